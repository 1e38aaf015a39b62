export { addressOf, call } from './client';
export { ApiError, errorText } from './error';
export { refresh, useGet, useList, useWrite, type Written } from './hooks';
export type { Answer, Body, Data, Listed, Params, PathOf, Row } from './types';
