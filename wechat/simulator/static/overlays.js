// What opens over a screen: the in-app browser, the confirm sheet, the red
// packet, an account's card.
import { store, h, post, act, refresh, yuan, dayAndTime, tint, toast, me } from "./store.js";

const layer = () => document.getElementById("layer");
const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

function veil(content, mid, onclose) {
  const el = h("div", { class: "veil" + (mid ? " mid" : "") }, content);
  const close = (why) => { el.remove(); document.removeEventListener("keydown", esc); if (onclose) onclose(why); };
  const esc = (e) => { if (e.key === "Escape") close("cancel"); };
  el.addEventListener("click", (e) => { if (e.target === el) close("cancel"); });
  document.addEventListener("keydown", esc);
  layer().append(el);
  content.querySelector("button")?.focus({ preventScroll: true });
  return close;
}

// openWeb opens a path of siyu in the phone's browser. The frame is on our own
// origin: the simulator fetches the page as WeChat would.
let web = null;
export function openWeb(path) {
  closeWeb();
  const title = h("h2", {}, "加载中…");
  const frame = h("iframe", { src: path, title: "网页", allow: "clipboard-write" });
  const cover = h("section", { class: "cover loading", "aria-label": "网页" },
    h("div", { class: "top" },
      h("span", {}, h("button", { "aria-label": "关闭网页", onclick: closeWeb }, "✕"), h("button", { "aria-label": "后退", onclick: () => frame.contentWindow.history.back() }, "‹")),
      title, h("span", {}, h("button", { "aria-label": "更多", onclick: () => webMenu(frame) }, "···"))),
    h("div", { class: "progress" }), frame);
  frame.addEventListener("load", () => {
    cover.classList.remove("loading");
    try {
      const inside = frame.contentDocument, name = () => { title.textContent = inside.title || "网页"; };
      name();
      new MutationObserver(name).observe(inside.head, { childList: true, characterData: true, subtree: true });
      frame.contentDocument.documentElement.style.scrollbarWidth = "none"; // a phone has none
      frame.contentWindow.addEventListener("pagehide", () => cover.classList.add("loading"));
    } catch { title.textContent = "网页"; } // left our origin
    refresh();
  });
  web = { cover, frame };
  layer().append(cover);
}

export function closeWeb() {
  if (!web) return;
  web.cover.remove();
  web = null;
  document.dispatchEvent(new CustomEvent("webclosed"));
}

function webMenu(frame) {
  let href = "";
  try { href = frame.contentWindow.location.pathname + frame.contentWindow.location.search; } catch { /* left our origin */ }
  const item = (text, run) => h("button", { onclick: () => { close(); run(); } }, text);
  const close = veil(h("div", { class: "sheet menu" }, h("div", { class: "grip" }),
    item("刷新", () => frame.contentWindow.location.reload()),
    item("复制链接", () => navigator.clipboard.writeText(store.state.app_url + href).then(() => toast("已复制"), () => toast("浏览器不允许复制"))),
    item("清除登录状态后重开", async () => { await act("forget_cookies", {}); openWeb(href || "/"); }),
    item("取消", () => {})));
}

const money = (fen) => h("p", { class: "sum" }, h("small", {}, "¥"), yuan(fen));

// openTransfer shows 确认收款 and tells how it ended: ok, cancel; it throws what
// WeChat would show for a bill that cannot be confirmed.
export async function openTransfer(pkg) {
  const b = await post("transfer", { user: store.user, package: pkg });
  if (b.state !== "WAIT_USER_CONFIRM") throw new Error(b.state === "SUCCESS" ? "这笔钱已经到账" : b.state === "CANCELLED" ? "已超过 24 小时，钱已退回" : "现在不能确认（" + b.state + "）");
  return new Promise((done) => {
    let close;
    const go = h("button", { class: "big", onclick: async () => {
      go.disabled = true;
      try { await post("confirm", { user: store.user, package: pkg }); } catch (err) { toast(err.message); close("cancel"); return; }
      close("ok");
      toast("¥" + yuan(b.amount_fen) + " 已到账");
      refresh();
    } }, "确认收款");
    close = veil(h("div", { class: "sheet", role: "dialog", "aria-label": "确认收款" }, h("div", { class: "grip" }),
      h("button", { class: "close", "aria-label": "关闭", onclick: () => close("cancel") }, "✕"), h("h3", {}, "确认收款"),
      h("p", { class: "who" }, b.merchant + " 发来"), money(b.amount_fen),
      h("dl", {}, h("dt", {}, "说明"), h("dd", {}, b.remark), h("dt", {}, "收款人"), h("dd", {}, me().avatar + " " + me().name), h("dt", {}, "请在此前确认"), h("dd", {}, dayAndTime(b.expires_at))), go), false, done);
    go.focus({ preventScroll: true });
  });
}

// openPacket shows the envelope; its seal turns once while WeChat opens it.
export function openPacket(m, bill) {
  const env = h("div", { class: "envelope", role: "dialog", "aria-label": "红包" });
  const close = veil(env, true);
  const letter = h("div", { class: "letter" });
  const show = () => {
    letter.replaceChildren(h("p", {}, m.text), h("strong", {}, yuan(bill ? bill.amount_fen : m.amount_fen), h("small", {}, "元")), h("p", {}, "已存入零钱"), h("button", { onclick: () => close() }, "完成"));
    env.classList.add("opened");
  };
  const seal = h("button", { class: "seal", "aria-label": "拆开红包", onclick: async () => {
    seal.disabled = true;
    seal.classList.add("turn");
    try {
      await Promise.all([post("open", { user: store.user, bill_no: m.bill_no }), new Promise((r) => setTimeout(r, still() ? 0 : 720))]);
      show();
    } catch (err) { toast(err.message); seal.disabled = false; }
    seal.classList.remove("turn");
    refresh();
  } }, "開");
  const state = bill ? bill.state : "SENT";
  env.append(letter, h("div", { class: "flap" }), h("div", { class: "words" }, h("p", {}, m.title), h("h3", {}, m.text || "恭喜发财，大吉大利")),
    state === "SENT" ? seal : state === "RECEIVED" ? "" : h("p", { class: "sorry" }, state === "SENDING" ? "红包还在路上" : "超过 24 小时未领取，已退回商家"),
    h("button", { class: "shut", "aria-label": "关闭", onclick: () => close() }, "✕"));
  if (state === "RECEIVED") show();
  else if (state === "SENT") seal.focus({ preventScroll: true });
}

// openOfficial is the card of an account whose scene code was scanned.
export function openOfficial(found, talk) {
  const enter = async () => {
    close();
    if (await act("scan_qr", { app_id: found.app_id, scene: found.text })) { closeWeb(); talk(found.name); }
  };
  if (found.following) { act("scan_qr", { app_id: found.app_id, scene: found.text }).then(() => { closeWeb(); talk(found.name); }); return; }
  const close = veil(h("div", { class: "sheet", role: "dialog", "aria-label": found.name }, h("div", { class: "grip" }),
    h("div", { class: "round", style: tint(found.name), "aria-hidden": "true" }, found.name.slice(0, 1)), h("h3", {}, found.name), h("p", { class: "hint", style: "padding:4px 0 22px" }, "公众号"),
    h("button", { class: "big", onclick: enter }, "关注"), h("button", { class: "big plain", onclick: () => close() }, "暂不")));
}

// openMini says what a mini program would have been opened with: there is none here.
export function openMini(found) {
  const close = veil(h("div", { class: "sheet", role: "dialog", "aria-label": found.name }, h("div", { class: "grip" }),
    h("div", { class: "round", style: tint(found.name), "aria-hidden": "true" }, found.name.slice(0, 1)), h("h3", {}, found.name), h("p", { class: "hint", style: "padding:4px 0 14px" }, "小程序 · 场景值 1047"),
    h("dl", {}, h("dt", {}, "页面"), h("dd", {}, found.page), h("dt", {}, "scene"), h("dd", {}, found.scene)),
    h("button", { class: "big plain", onclick: () => close() }, "知道了")));
}

export function showText(text) {
  const close = veil(h("div", { class: "sheet" }, h("div", { class: "grip" }), h("h3", {}, "扫到的内容"), h("p", { class: "text" }, text), h("button", { class: "big plain", onclick: () => close() }, "知道了")));
}

export function clearLayer() { web = null; layer().replaceChildren(); }

// The pages in the browser reach the phone through this (bridge.js).
window.simPhone = {
  requestMerchantTransfer: (pkg) => openTransfer(pkg),
  jsConfig: (cfg) => post("jsconfig", cfg),
  close: closeWeb,
  toast,
  scan: () => document.dispatchEvent(new CustomEvent("scan")),
};
