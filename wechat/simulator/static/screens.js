// The three tabs and a conversation.
import { store, h, act, codes, me, yuan, clock, dayAndTime, tint, toast, post } from "./store.js";
import { openWeb, openPacket, openTransfer, openOfficial, openMini, showText } from "./overlays.js";

export const at = { tab: "chats", chat: "" };
const read = {}; // user + chat -> id of the last message seen

const seenKey = (chat) => store.user + "\n" + chat;
const screen = () => document.getElementById("screen");
const bar = (title, left, right) => h("div", { class: "bar" }, left || h("span"), h("h2", {}, title), right || h("span"));
const empty = (icon, ...text) => h("div", { class: "empty" }, h("i", { "aria-hidden": "true" }, icon), ...text);

function talks() {
  const list = new Map();
  for (const a of store.state.apps) if (a.kind === "official" && a.follows) list.set(a.name, { name: a.name, app: a, unread: 0 });
  for (const m of store.state.chats) {
    const t = list.get(m.chat) || { name: m.chat, app: store.state.apps.find((a) => a.app_id === m.app_id), unread: 0 };
    t.last = m;
    if (m.id > (read[seenKey(m.chat)] || 0) && !m.mine && m.kind !== "event") t.unread++;
    list.set(m.chat, t);
  }
  return [...list.values()].sort((a, b) => (b.last ? b.last.id : 0) - (a.last ? a.last.id : 0));
}

export const unread = () => talks().reduce((n, t) => n + t.unread, 0);

export const gist = (m) => !m ? "" : m.kind === "redpack" ? "[红包] " + m.text : m.kind === "paid" ? "到账 ¥" + yuan(m.amount_fen) : (m.title ? "[" + m.title + "] " : "") + plain(m.text);
const plain = (text) => text.replace(/<a [^>]*>(.*?)<\/a>/gi, "$1").replace(/\s+/g, " ");

export function drawChats() {
  const list = talks();
  screen().replaceChildren(bar("微信"), h("div", { class: "body" },
    list.length ? h("div", { class: "talks" }, list.map((t) => h("button", { class: "talk", onclick: () => { at.chat = t.name; draw(); } },
      h("span", { class: "icon", style: tint(t.name), "aria-hidden": "true" }, t.name.slice(0, 1)),
      t.unread ? h("span", { class: "dot", "aria-label": t.unread + " 条未读" }, String(t.unread)) : null,
      h("div", {}, h("b", {}, t.name), h("p", {}, gist(t.last) || "已关注")),
      h("time", {}, t.last ? clock(t.last.at) : ""))))
      : empty("💬", "还没有消息", h("br"), "扫一个瓶盖上的码试试")));
}

// linked turns <a href> (the one tag WeChat allows) and bare addresses into links.
function linked(text) {
  const out = [];
  const find = /<a\s[^>]*href="([^"]*)"[^>]*>(.*?)<\/a>|(https?:\/\/[^\s<>"，。]+)/gi;
  let from = 0, m;
  while ((m = find.exec(text))) {
    const url = m[1] || m[3];
    out.push(text.slice(from, m.index), h("button", { class: "link", onclick: () => follow(url) }, m[2] || m[3]));
    from = find.lastIndex;
  }
  return [...out, text.slice(from)];
}

async function follow(url) {
  try { arrive(await post("resolve", { user: store.user, text: url })); } catch (err) { toast(err.message); }
}

function bubble(m, appName) {
  if (m.kind === "event") return h("span", { class: "event" }, m.text);
  if (m.kind === "paid") return h("div", { class: "notice" }, h("h3", {}, m.title), h("p", { class: "sum" }, "¥" + yuan(m.amount_fen)), h("p", {}, m.text));
  if (m.kind === "template" || m.kind === "subscribe" || m.title && m.url) {
    return h(m.url ? "button" : "div", { class: "notice", onclick: m.url ? () => follow(m.url) : null },
      h("h3", {}, m.title || "服务通知"), h("p", {}, m.text), m.url ? h("footer", {}, "查看详情", h("span", { "aria-hidden": "true" }, "›")) : null);
  }
  const face = m.mine ? h("span", { class: "icon", "aria-hidden": "true" }, me().avatar) : h("span", { class: "icon", style: tint(appName), "aria-hidden": "true" }, appName.slice(0, 1));
  if (m.kind === "redpack") {
    const bill = store.state.bills.find((b) => b.bill_no === m.bill_no);
    const word = !bill || bill.state === "SENT" ? "" : bill.state === "RECEIVED" ? "已领取" : "已过期";
    return h("div", { class: "say" }, face, h("button", { class: "packet" + (word ? " done" : ""), onclick: () => openPacket(m, bill) },
      h("div", {}, h("i", { "aria-hidden": "true" }), h("span", {}, h("b", {}, m.text), word ? h("small", {}, word) : h("small", {}, "领取红包"))), h("footer", {}, m.title)));
  }
  return h("div", { class: "say" + (m.mine ? " mine" : "") }, face, h("div", { class: "bubble" }, m.title ? [h("b", {}, m.title), "\n"] : null, linked(m.text)));
}

function drawChat() {
  const name = at.chat;
  const app = store.state.apps.find((a) => a.name === name);
  const list = store.state.chats.filter((m) => m.chat === name);
  if (list.length) read[seenKey(name)] = list[list.length - 1].id;
  const bubbles = [];
  let last = 0;
  for (const m of list) {
    const now = Date.parse(m.at);
    if (now - last > 5 * 60000) bubbles.push(h("time", {}, dayAndTime(m.at)));
    last = now;
    bubbles.push(bubble(m, name));
  }
  const old = screen().querySelector(".bubbles[data-chat]");
  if (old && old.dataset.chat === name + store.user) { // keep what is being typed
    if (old.childElementCount !== bubbles.length || old.dataset.version !== String(store.state.version)) {
      old.replaceChildren(...bubbles);
      old.parentElement.scrollTop = old.parentElement.scrollHeight;
    }
    screen().querySelector(".follow")?.replaceChildren(app && app.follows ? "已关注" : "关注");
    return;
  }
  const toggle = app && app.kind === "official" ? h("button", { class: "follow", onclick: () => {
    const now = store.state.apps.find((a) => a.name === name);
    act(now.follows ? "unfollow" : "follow", { app_id: now.app_id });
  } }, app.follows ? "已关注" : "关注") : null;
  const input = h("input", { type: "text", placeholder: "发消息", "aria-label": "发消息", maxlength: "600" });
  const writer = app && app.kind === "official" ? h("form", { class: "writer", onsubmit: (e) => {
    e.preventDefault();
    const text = input.value.trim();
    if (text) { input.value = ""; act("say", { app_id: app.app_id, text }); }
  } }, h("button", { type: "button", title: "点一下公众号菜单：公众号一分钟内可以回复三条", onclick: () => act("click", { app_id: app.app_id, text: "menu" }) }, "菜单"), input, h("button", {}, "发送")) : null;
  const body = h("div", { class: "body" }, h("div", { class: "bubbles", "data-chat": name + store.user }, bubbles));
  screen().replaceChildren(bar(name, h("button", { class: "back", "aria-label": "返回", onclick: () => { at.chat = ""; draw(); } }, "‹"), toggle), body, ...(writer ? [writer] : []));
  body.scrollTop = body.scrollHeight;
}

// drawing makes an SVG; its inside is always one of the fixed texts below.
const drawing = (box, inside) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 " + box + " " + box);
  svg.setAttribute("aria-hidden", "true");
  svg.innerHTML = inside;
  return svg;
};
const corners = () => drawing(100, '<path d="M2 24V12A10 10 0 0 1 12 2h12M76 2h12a10 10 0 0 1 10 10v12M98 76v12a10 10 0 0 1-10 10H76M24 98H12A10 10 0 0 1 2 88V76" fill="none" stroke="#4fd08a" stroke-width="2.4" stroke-linecap="round"/>');
const codeIcon = () => drawing(24, '<g fill="none" stroke="currentColor" stroke-width="1.8"><rect x="3" y="3" width="7" height="7" rx="1.5"/><rect x="14" y="3" width="7" height="7" rx="1.5"/><rect x="3" y="14" width="7" height="7" rx="1.5"/><path d="M14 14h3v3h-3zM20 14v2M14 20h2M19 19h2v2"/></g>');

// arrive goes where a scanned code or a tapped link leads.
export function arrive(found) {
  if (found.kind === "h5") openWeb(found.path);
  else if (found.kind === "official") openOfficial(found, (name) => { at.tab = "chats"; at.chat = name; draw(); });
  else if (found.kind === "mini") openMini(found);
  else showText(found.text);
}

export async function scanText(text) {
  if (!store.user) return toast("请先选择一个微信用户");
  if (!text.trim()) return toast("请先粘贴码值或网址");
  await follow(text);
}

async function scanPicture(file) {
  if (!file) return;
  toast("正在识别…");
  try { await scanText((await post("decode", file)).text); } catch (err) { toast(err.message); }
}

async function drawScan() {
  if (screen().querySelector(".finder")) return; // nothing on it follows the state
  const file = h("input", { type: "file", accept: "image/*", class: "hidden", onchange: (e) => { scanPicture(e.target.files[0]); e.target.value = ""; } });
  const text = h("input", { type: "text", placeholder: "粘贴码值或网址", "aria-label": "码值或网址" });
  const finder = h("div", { class: "finder", onclick: () => file.click(),
    ondragover: (e) => { e.preventDefault(); finder.classList.add("over"); },
    ondragleave: () => finder.classList.remove("over"),
    ondrop: (e) => { e.preventDefault(); finder.classList.remove("over"); scanPicture(e.dataTransfer.files[0]); },
  }, h("div", { class: "frame" }, corners(), h("div", { class: "beam" }), h("span", {}, "点这里选码的图片", h("br"), "也可以拖进来或粘贴")));
  screen().replaceChildren(bar("扫一扫"), h("div", { class: "body" }, finder,
    h("div", { class: "ways" },
      h("form", { onsubmit: (e) => { e.preventDefault(); scanText(text.value); } }, text, h("button", { class: "big" }, "扫码")),
      h("button", { class: "big plain", onclick: () => file.click() }, "从相册选图片"), file), h("div", { class: "picks" })));
  await listCodes();
}

// listCodes fills the list of codes at hand: a page that was closed may have used one up.
async function listCodes() {
  const list = await codes().catch(() => null), picks = screen().querySelector(".picks");
  if (!list || !picks) return; // another tab by now
  picks.replaceChildren(...(list.length ? [h("h3", {}, "手边的码"), ...list.map((c) => h("button", { class: "pick", onclick: () => scanText(c.url) }, codeIcon(), h("div", {}, h("b", {}, c.label), h("small", {}, c.url.replace(/^https?:\/\//i, "")))))]
    : [h("h3", {}, "还没有示例码：打印一批码，或粘贴码值")]));
}

const billWords = {
  SENDING: "发放中", SENT: "待拆开", RECEIVED: "已到账", RFUND_ING: "退回中", REFUND: "已退回", FAILED: "发放失败",
  ACCEPTED: "处理中", PROCESSING: "处理中", WAIT_USER_CONFIRM: "待确认", TRANSFERING: "转账中", SUCCESS: "已到账", FAIL: "转账失败", CANCELING: "撤销中", CANCELLED: "已退回",
};

function drawWallet() {
  const bills = [...store.state.bills].reverse();
  screen().replaceChildren(bar("钱包"), h("div", { class: "body" },
    h("div", { class: "purse" }, h("p", {}, "零钱"), h("strong", {}, h("small", {}, "¥"), yuan(me().wallet_fen)), h("p", {}, "收到 " + bills.filter((b) => b.paid_fen).length + " 个红包")),
    bills.length ? h("div", { class: "bills" }, bills.map((b) => {
      const todo = b.state === "SENT" || b.state === "WAIT_USER_CONFIRM";
      return h("button", { class: "billrow" + (todo ? " todo" : b.paid_fen ? "" : " gone"), onclick: () => b.rail === "redpack" ? openPacket({ bill_no: b.bill_no, title: b.title, text: b.wishing }, b) : openTransfer(b.package).catch((e) => toast(e.message)) },
        h("span", { class: "icon", "aria-hidden": "true" }, "🧧"),
        h("div", {}, h("b", {}, b.title || "红包"), h("small", {}, dayAndTime(b.created_at))),
        h("div", { class: "sum" }, (todo ? "" : b.paid_fen ? "+" : "") + yuan(b.amount_fen), h("small", {}, billWords[b.state] || b.state)));
    })) : empty("🧧", "还没有收到红包")));
}

export function draw() {
  if (!store.state) return;
  if (!me()) return screen().replaceChildren(empty("👤", "先在控制台添加一个微信用户"));
  document.dispatchEvent(new CustomEvent("screen"));
  if (at.tab === "chats") return at.chat ? drawChat() : drawChats();
  if (at.tab === "scan") return drawScan();
  drawWallet();
}

document.addEventListener("webclosed", listCodes);
export function person() { at.chat = ""; screen().replaceChildren(); }
export { scanPicture };
