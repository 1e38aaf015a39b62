// What a route takes and gives, read from the generated document. Nobody writes these
// types by hand: a field the server renames is a compile error here.
import type { paths } from './schema';

type Method = 'get' | 'post' | 'put' | 'delete';

/** Paths that have the method, e.g. PathOf<'get'> holds '/products/{id}'. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends { [K in M]: object } ? P : never;
}[keyof paths] &
  string;

type Operation<M extends Method, P> = P extends keyof paths ? (M extends keyof paths[P] ? paths[P][M] : never) : never;

type JSONOf<T> = T extends { content: { 'application/json': infer B } } ? B : undefined;

type Responses<M extends Method, P> = Operation<M, P> extends { responses: infer R } ? R : never;

/** The whole answer of a route that succeeded. */
export type Answer<M extends Method, P> =
  Responses<M, P> extends infer R ? (R extends { '2XX': infer A } ? JSONOf<A> : undefined) : never;

/** Its data: what is inside of {"data": …}. */
export type Data<M extends Method, P> = Answer<M, P> extends { data?: infer D } ? D : undefined;

/** One row of a list, e.g. Row<'/products'>. */
export type Row<P> = Data<'get', P> extends readonly (infer R)[] | null | undefined ? R : never;

/** The JSON a write takes. */
export type Body<M extends Method, P> =
  Operation<M, P> extends { requestBody?: { content: { 'application/json': infer B } } } ? B : undefined;

type Part<T, K extends string> = T extends { [N in K]?: infer V } ? Exclude<V, undefined> : never;
type Loose<T> = [T] extends [never] ? Record<string, never> : T;

/** Parameters of a route: {path: {id}, query: {brand_id}}. */
export type Params<M extends Method, P> = {
  path?: Loose<Part<Part<Operation<M, P>, 'parameters'>, 'path'>>;
  query?: Partial<Loose<Part<Part<Operation<M, P>, 'parameters'>, 'query'>>>;
};

/** One page of a list. */
export type Listed<R> = { data: R[] | null; next: string; total?: number; total_more?: boolean };
