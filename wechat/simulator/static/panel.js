// The desk beside the phone: people, accounts, misfortunes, what was said.
import { store, h, act, choose, me, yuan, clock, toast } from "./store.js";

const faces = ["👩", "👨", "👵", "👴", "🧑‍🍳", "👩‍🎓", "🧔", "👧", "🐼", "🦊", "🐯", "🐰"];
const cities = ["上海", "北京", "广州", "深圳", "成都", "杭州", "武汉", "西安"];
let adding = false, face = faces[0];

const card = (title, side, ...body) => h("section", { class: "card" }, h("h2", {}, title, side), ...body);
const options = (list) => list.map(([v, t]) => h("option", { value: v }, t));

export function drawPeople() {
  const box = document.getElementById("people");
  if (adding && box.querySelector("form")) return; // do not lose what is typed
  const u = me();
  const toggle = (key, text) => h("label", { class: "tick" }, h("input", { type: "checkbox", checked: u[key], onchange: (e) => act("users", { name: u.name, avatar: u.avatar, city: u.city, ip: u.ip, snapshot: u.snapshot, blocked: u.blocked, [key]: e.target.checked }) }), text);
  box.replaceChildren(card("谁拿着手机", h("button", { onclick: () => { adding = !adding; box.replaceChildren(); drawPeople(); } }, adding ? "收起" : "＋ 添加"),
    h("div", {}, store.state.users.map((p) => h("button", { class: "person", "aria-pressed": String(p.name === store.user), onclick: () => choose(p.name) },
      h("span", { class: "face", "aria-hidden": "true" }, p.avatar), h("span", {}, h("b", {}, p.name), h("small", {}, (p.city || "未知城市") + " · " + p.ip)), h("span", { class: "money" }, "¥" + yuan(p.wallet_fen))))),
    adding ? addForm() : u ? h("div", { style: "padding:8px 8px 0" }, toggle("snapshot", "以快照页打开网页（没有真实身份）"), toggle("blocked", "拒收公众号消息")) : null));
}

function addForm() {
  const name = h("input", { placeholder: "微信昵称", maxlength: "20", "aria-label": "微信昵称", required: true });
  const city = h("select", { "aria-label": "城市" }, options(cities.map((c) => [c, c])));
  const row = h("div", { class: "faces wide" });
  const paint = () => row.replaceChildren(...faces.map((f) => h("button", { type: "button", "aria-label": "头像 " + f, "aria-pressed": String(f === face), onclick: () => { face = f; paint(); } }, f)));
  paint();
  return h("form", { class: "form", onsubmit: async (e) => {
    e.preventDefault();
    const who = name.value.trim();
    if (!who) return;
    if (await act("users", { name: who, avatar: face, city: city.value })) { adding = false; document.getElementById("people").replaceChildren(); choose(who); }
  } }, name, city, row, h("button", { class: "pill go wide" }, "添加这个人"));
}

export function drawAccounts() {
  const s = store.state;
  document.getElementById("accounts").replaceChildren(
    card("公众号与小程序", null, s.apps.length ? s.apps.map((a) => h("div", { class: "row" }, h("span", {}, a.name, h("span", { class: "hint" }, a.kind === "mini" ? " · 小程序" : "")),
      h("button", { class: "pill", title: "在弹窗里允许一条订阅消息（模板 ARRIVAL）", onclick: async () => { if (await act("popup", { app_id: a.app_id, template_id: "ARRIVAL" })) toast("已允许一条订阅消息"); } }, "允许订阅"),
      a.kind === "official" ? h("button", { class: "pill" + (a.follows ? "" : " go"), onclick: () => act(a.follows ? "unfollow" : "follow", { app_id: a.app_id }) }, a.follows ? "取消关注" : "关注") : null)) : h("p", { class: "hint" }, "还没有登记账号")),
    h("div", { style: "height:18px" }),
    card("商户余额", null, s.merchants.length ? s.merchants.map((m) => h("div", { class: "row" }, h("span", { title: m.mch_id }, m.name || "商户", h("span", { class: "hint" }, " 尾号 " + m.mch_id.slice(-4))), h("b", { style: "font-variant-numeric:tabular-nums;font-weight:600" }, "¥" + yuan(m.balance_fen)), h("button", { class: "pill", title: "充 1000 元", onclick: () => act("top_up", { mch_id: m.mch_id, amount_fen: 100000 }) }, "充值"))) : h("p", { class: "hint" }, "还没有登记商户号")));
}

const quick = [
  ["发钱后断线", "payout", "commit_then_drop"], ["发钱很慢", "payout", "delay", 8000], ["余额不足", "payout", "balance_short"], ["未知错误码", "payout", "unknown_code"],
  ["一直处理中", "payout", "processing"], ["用户无法收款", "payout", "user_blocks"], ["用户一直不确认", "payout", "user_never_confirms"], ["通知先于应答", "transfer.create", "notice_before_answer"],
  ["通知丢失", "notice", "missing_notice"], ["通知重复", "notice", "duplicate_notice"], ["伪造通知", "notice", "forged_notice"], ["凭证过期", "*", "expired_token"],
];
const calls = [["payout", "发红包／转账"], ["payout.query", "查询打款"], ["transfer.cancel", "撤销转账"], ["oauth", "网页授权"], ["token", "普通凭证"], ["stable_token", "稳定凭证"], ["jscode2session", "小程序登录"],
  ["custom.send", "客服消息"], ["template.send", "模板消息"], ["subscribe.send", "订阅消息"], ["mass.send", "群发"], ["qrcode.create", "带参二维码"], ["notice", "支付通知"], ["callback", "消息回调"], ["*", "任意调用"]];
const kinds = [["commit_then_drop", "做完后断线"], ["drop", "没做就断线"], ["delay", "很慢（8 秒）"], ["unknown_code", "未知错误码"], ["http_500", "服务器错误 500"], ["commit_then_500", "做完后报 500"], ["garbage_body", "应答残缺"],
  ["bad_answer_signature", "应答签名错误"], ["probe_answer_signature", "应答签名探测"], ["wrong_amount", "应答金额不符"], ["expired_token", "凭证过期"], ["fails_later", "接收后没有送达（消息）"], ["missing_notice", "通知丢失"], ["duplicate_notice", "通知重复"], ["out_of_order_notice", "通知乱序"], ["forged_notice", "伪造通知"]];
const callNames = Object.fromEntries([...calls, ["sendredpack", "发红包"], ["gethbinfo", "查红包"], ["transfer.create", "发起转账"], ["transfer.query", "查转账"], ["authorize", "打开授权"], ["userinfo", "用户资料"], ["user.info", "粉丝资料"], ["getticket", "JS 票据"],
  ["showqrcode", "二维码图"], ["verify_url", "验证网址"], ["reply", "被动回复"], ["unknown", "没有的接口"]]);

const order = async (call, kind, count, delay) => { if (await act("misfortunes", { call, kind, count, delay_ms: delay || 8000 })) toast("已安排：下一次就会出错"); };

export function drawTrouble() {
  const box = document.getElementById("trouble");
  const waiting = h("ul", { class: "waiting" }, store.state.misfortunes.map((m) => h("li", {}, (callNames[m.call] || m.call || "任意调用") + "：" + m.label + (m.count > 1 ? " ×" + m.count : ""))));
  const clear = store.state.misfortunes.length ? h("button", { onclick: () => act("misfortunes/clear", {}) }, "全部取消") : null;
  if (box.firstChild) { // the selects keep their choice
    box.querySelector(".waiting").replaceWith(waiting);
    box.querySelector(".side").replaceChildren(...(clear ? [clear] : []));
    return;
  }
  const call = h("select", { "aria-label": "哪个调用" }, options(calls));
  const kind = h("select", { "aria-label": "出什么错" }, options(kinds));
  box.replaceChildren(card("让微信出错", h("span", { class: "side" }, clear),
    h("div", { class: "chips" }, quick.map(([text, c, k, d]) => h("button", { class: "chip", onclick: () => order(c, k, 1, d) }, text))),
    h("form", { class: "form", onsubmit: (e) => { e.preventDefault(); order(call.value, kind.value, 1); } }, call, kind, h("button", { class: "pill wide" }, "安排到下一次")),
    waiting,
    h("div", { class: "row", style: "margin-top:6px" }, h("span", { class: "hint" }, "没领的、没确认的"), h("button", { class: "pill", onclick: () => act("expire", {}) }, "按 24 小时到期退回"))));
}

const good = new Set(["", "SUCCESS", "0"]);
export function drawLog() {
  const box = document.getElementById("log");
  const open = new Set([...box.querySelectorAll("details[open]")].map((d) => d.dataset.id));
  const rows = [...store.state.log].reverse().slice(0, 40).map((r) => {
    const bad = !good.has(r.code) || r.status >= 400 || r.out && !r.status;
    const code = !good.has(r.code) ? r.code : r.status ? String(r.status) : "无应答";
    return h("details", { "data-id": String(r.id), open: open.has(String(r.id)) },
      h("summary", {}, h("time", {}, clock(r.at, true)), h("span", { class: r.out ? "out" : "in", title: r.out ? "微信 → siyu" : "siyu → 微信" }, r.out ? "←" : "→"),
        h("span", {}, callNames[r.call] || r.call), h("span", { class: "code" + (bad ? " bad" : "") }, code), r.remark && r.remark !== "第 1 次" ? h("span", { class: "fate" }, r.remark) : null),
      h("pre", {}, [r.method + " " + r.url, r.body, r.response].filter(Boolean).join("\n\n")));
  });
  box.replaceChildren(card("事件", h("span", { class: "hint", style: "font-weight:400" }, "→ siyu 调微信　← 微信调 siyu"), rows.length ? h("div", { class: "log" }, rows) : h("p", { class: "hint" }, "还没有调用")));
}
