// What the page knows: one state from the simulator, polled, and who is holding
// the phone. Every screen draws from here; nothing else talks to the server.

export const store = { state: null, user: "", listeners: [] };

// h makes an element. Text always becomes a text node: messages and names come
// from anywhere and are never read as HTML.
export function h(tag, props, ...children) {
  const el = document.createElement(tag);
  for (const [k, v] of Object.entries(props || {})) {
    if (v === undefined || v === null || v === false) continue;
    if (k.startsWith("on")) el.addEventListener(k.slice(2), v);
    else if (k === "style") el.style.cssText = v;
    else if (k === "class") el.className = v;
    else if (k in el && typeof v !== "string") el[k] = v;
    else el.setAttribute(k, v === true ? "" : v);
  }
  el.append(...children.flat(3).filter((c) => c !== null && c !== undefined && c !== false));
  return el;
}

export async function post(path, body) {
  const raw = body instanceof Blob;
  let res;
  try {
    res = await fetch("/sim/api/" + path, {
      method: "POST", body: raw ? body : JSON.stringify(body || {}),
      headers: { "Content-Type": raw ? body.type || "application/octet-stream" : "application/json" },
    });
  } catch {
    throw new Error("连不上模拟器");
  }
  const out = await res.json().catch(() => ({}));
  if (!res.ok) throw new Error((out.error && out.error.message) || "出错了（" + res.status + "）");
  return out.data;
}

// act posts, shows a failure on the phone and draws at once.
export async function act(path, body) {
  try {
    const out = await post(path, { user: store.user, ...body });
    await refresh();
    return out;
  } catch (err) {
    toast(err.message);
    return null;
  }
}

export async function codes() {
  const res = await fetch("/sim/api/codes");
  return res.ok ? (await res.json()).data : [];
}

let drawn = "";
export async function refresh() {
  const since = drawn === store.user && store.state ? "&since=" + store.state.version : "";
  const res = await fetch("/sim/api/state?user=" + encodeURIComponent(store.user) + since);
  if (res.status === 204) return;
  store.state = (await res.json()).data;
  drawn = store.user;
  const known = store.state.users.some((u) => u.name === store.user);
  if (!known && store.state.users.length) return choose(store.state.users[0].name);
  store.listeners.forEach((draw) => draw());
}

// choose puts the phone into somebody's hand. The cookie tells the simulator
// whose browser it is when a page is opened.
export function choose(name) {
  store.user = name;
  document.cookie = "sim_user=" + encodeURIComponent(name) + "; path=/; SameSite=Lax";
  document.dispatchEvent(new CustomEvent("person"));
  return refresh();
}

export function remembered() {
  const m = /(?:^|; )sim_user=([^;]*)/.exec(document.cookie);
  return m ? decodeURIComponent(m[1]) : "";
}

export function me() {
  return store.state && store.state.users.find((u) => u.name === store.user);
}

let fading;
export function toast(text) {
  const el = document.getElementById("toast");
  el.textContent = text;
  el.classList.add("on");
  clearTimeout(fading);
  fading = setTimeout(() => el.classList.remove("on"), 2600);
}

export const yuan = (fen) => (fen / 100).toFixed(2);

const shanghai = { timeZone: "Asia/Shanghai", hour12: false };
export function clock(at, seconds) {
  return new Date(at).toLocaleTimeString("zh-CN", { ...shanghai, hour: "2-digit", minute: "2-digit", second: seconds ? "2-digit" : undefined });
}
export function dayAndTime(at) {
  return new Date(at).toLocaleString("zh-CN", { ...shanghai, month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" });
}

const tints = ["#2d7a5a", "#7a4a2d", "#3b5f9a", "#8a3b62", "#5b5b95", "#7c6a1f"];
export function tint(name) {
  let n = 0;
  for (const c of name) n = (n * 31 + c.codePointAt(0)) % 9973;
  return "--tint:" + tints[n % tints.length];
}
