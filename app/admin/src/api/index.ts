export { addressOf, call } from './client';
export { ApiError, errorText } from './error';
export { refresh, type Send, useGet, useList, useSend, useWrite, type Written } from './hooks';
export type { Answer, Body, Data, Listed, Params, PathOf, Row } from './types';
