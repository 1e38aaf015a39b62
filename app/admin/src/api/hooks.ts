import {
  keepPreviousData,
  type QueryClient,
  type UseMutationResult,
  type UseQueryResult,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { App } from 'antd';
import { useRef } from 'react';
import { showFault } from '@/ui/fault';
import { type Call, call } from './client';
import type { ApiError } from './error';
import type { Body, Data, Listed, Params, PathOf, Row } from './types';

// The parameters as the client takes them, whatever the route calls them.
type Sent = Call['params'];

type ReadOptions = {
  /** false waits: what is asked for is not known yet. */
  enabled?: boolean;
  /** Asks again after so many ms while the page is looked at. */
  refetchInterval?: number | false;
  /** Keeps showing the last answer while other parameters load. */
  keep?: boolean;
};

export function queryKey(path: string, params?: Call['params']): unknown[] {
  return [path, params ?? {}];
}

/** useGet reads one thing: its `data` is what is inside of {"data": …}. */
export function useGet<P extends PathOf<'get'>>(
  path: P,
  { params, enabled, refetchInterval, keep }: ReadOptions & { params?: Params<'get', P> } = {},
): UseQueryResult<Data<'get', P>, ApiError> {
  return useQuery<Data<'get', P>, ApiError>({
    queryKey: queryKey(path, params as Sent),
    // An answer without data is null, not undefined: the cache takes no undefined.
    queryFn: async ({ signal }) =>
      ((await call('GET', path, { params: params as Sent, signal })) as { data?: unknown } | undefined)?.data as Data<
        'get',
        P
      >,
    enabled,
    refetchInterval,
    placeholderData: keep ? keepPreviousData : undefined,
  });
}

/** useList reads one page of a list, with the cursor of the next and the total. */
export function useList<P extends PathOf<'get'>>(
  path: P,
  { params, enabled, refetchInterval }: ReadOptions & { params?: Params<'get', P> } = {},
): UseQueryResult<Listed<Row<P>>, ApiError> {
  return useQuery<Listed<Row<P>>, ApiError>({
    queryKey: [...queryKey(path, params as Sent), 'list'],
    queryFn: async ({ signal }) => (await call('GET', path, { params: params as Sent, signal })) as Listed<Row<P>>,
    enabled,
    refetchInterval,
    placeholderData: keepPreviousData,
  });
}

/** refresh asks again for everything below the given paths: '/products' also means
 * '/products/{id}'. */
export function refresh(client: QueryClient, paths: readonly string[]): Promise<void> {
  return client.invalidateQueries({
    predicate: ({ queryKey: [path] }) =>
      typeof path === 'string' && paths.some((p) => path === p || path.startsWith(`${p}/`)),
  });
}

// Not crypto.randomUUID: a panel on plain http inside an office has none.
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
}

type Verb = 'post' | 'put' | 'delete';
/** What a write is called with. */
export type Written<M extends Verb, P> = {
  params?: Params<M, P>;
  body?: Body<M, P> | FormData;
  /** dataUpdatedAt of what the form was filled with, as it was when it was opened. */
  seen?: number;
};

/** Send is a write on the spot, such as the way back from another one. It rejects with the
 * fault and shows nothing. */
export type Send = <M extends Verb, P extends PathOf<M>>(
  method: M,
  path: P,
  sent: Written<M, P>,
  stale: readonly string[],
) => Promise<void>;

/** useSend is for writes that are not known when the page is drawn. It works on after the
 * page is left. */
export function useSend(): Send {
  const client = useQueryClient();
  return async (method, path, { params, body, seen }, stale) => {
    const verb = method.toUpperCase() as 'POST' | 'PUT' | 'DELETE';
    await call(verb, path, { params: params as Sent, body, key: newKey(), seen });
    await refresh(client, [...stale, '/trails']);
  };
}

type WriteOptions<D> = {
  /** Paths whose answers are old after this write. */
  invalidate?: readonly string[];
  /** Said in a toast when it worked. */
  done?: string;
  onDone?: (data: D) => void;
  /** true: the caller shows the fault itself, as forms do next to their field. */
  quiet?: boolean;
};

/**
 * useWrite changes something. The same input sent again (a double click, a retry after a
 * broken line) carries the same Idempotency-Key and is done once; other input, or the same
 * after it worked, is another act with a key of its own.
 */
export function useWrite<M extends Verb, P extends PathOf<M>>(
  method: M,
  path: P,
  { invalidate = [], done, onDone, quiet }: WriteOptions<Data<M, P>> = {},
): UseMutationResult<Data<M, P>, ApiError, Written<M, P>> {
  const client = useQueryClient();
  const { message, notification } = App.useApp();
  const attempt = useRef({ input: '', key: '' });
  return useMutation<Data<M, P>, ApiError, Written<M, P>>({
    mutationFn: async ({ params, body, seen }) => {
      const input = JSON.stringify([params, body instanceof FormData ? [...body.keys()] : body]);
      if (attempt.current.input !== input || body instanceof FormData) {
        attempt.current = { input, key: newKey() };
      }
      const verb = method.toUpperCase() as 'POST' | 'PUT' | 'DELETE';
      const answer = (await call(verb, path, { params: params as Sent, body, key: attempt.current.key, seen })) as
        | { data?: unknown }
        | undefined;
      attempt.current = { input: '', key: '' };
      return answer?.data as Data<M, P>;
    },
    onSuccess: async (data) => {
      if (done) message.success(done);
      // Every write leaves a line in the trail of what it changed.
      await refresh(client, [...invalidate, '/trails']);
      onDone?.(data);
    },
    onError: (error) => {
      // What stands behind the form is old: it is there anew when the form is opened again.
      if (error.code === 'changed_meanwhile' || error.code === 'gone_meanwhile') void refresh(client, invalidate);
      if (!quiet && error.status !== 401) showFault(notification, error);
    },
  });
}
