// The brand's own shop on another site, where links of messages lead to.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Shop = { url: string; visits: { path: string; referer: string }[]; close: () => void };

export async function openShop(): Promise<Shop> {
  const visits: Shop['visits'] = [];
  const server = createServer((req, res) => {
    visits.push({ path: req.url ?? '', referer: req.headers.referer ?? '' });
    res.setHeader('Content-Type', 'text/html; charset=utf-8');
    res.end('<!doctype html><html lang="zh-CN"><title>怎么选镜片</title><h1>怎么选镜片</h1>');
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, visits, close: () => void server.close() };
}
