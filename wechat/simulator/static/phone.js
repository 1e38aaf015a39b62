// Entry: tabs, polling, and the pieces put together.
import { store, h, refresh, choose, remembered, clock, toast } from "./store.js";
import { at, draw, gist, unread, person, scanPicture, scanText } from "./screens.js";
import { clearLayer, closeWeb } from "./overlays.js";
import { drawPeople, drawAccounts, drawTrouble, drawLog } from "./panel.js";

const icons = {
  chats: '<path d="M4 11c0-4 3.6-7 8-7s8 3 8 7-3.6 7-8 7c-1 0-2-.2-2.9-.5L5 19l1-3.2C4.7 14.5 4 12.8 4 11z"/>',
  scan: '<path d="M4 9V6a2 2 0 0 1 2-2h3M15 4h3a2 2 0 0 1 2 2v3M20 15v3a2 2 0 0 1-2 2h-3M9 20H6a2 2 0 0 1-2-2v-3M4 12h16"/>',
  wallet: '<path d="M4 8a2 2 0 0 1 2-2h11v3M4 8v9a2 2 0 0 0 2 2h13V9H6a2 2 0 0 1-2-1zM16 14h.01"/>',
};
const names = { chats: "微信", scan: "扫一扫", wallet: "钱包" };

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.innerHTML = icons[name]; // fixed drawings above
  return svg;
}

function drawTabs() {
  const tabs = document.getElementById("tabs");
  tabs.classList.toggle("hidden", at.tab === "chats" && at.chat !== "");
  const n = store.state ? unread() : 0;
  tabs.replaceChildren(...Object.keys(names).map((t) => h("button", { "aria-current": at.tab === t ? "page" : null, onclick: () => go(t) },
    icon(t), names[t], t === "chats" && n ? h("span", { class: "dot", "aria-label": n + " 条未读" }, String(n)) : null)));
}

function go(tab) {
  at.tab = tab;
  at.chat = "";
  if (tab === "chats") document.getElementById("banner").classList.remove("on"); // it is the first line now
  draw();
}

document.addEventListener("screen", drawTabs);
document.addEventListener("person", () => { person(); clearLayer(); document.getElementById("banner").classList.remove("on"); });
document.addEventListener("scan", () => { closeWeb(); go("scan"); });
document.addEventListener("paste", (e) => {
  const picture = [...e.clipboardData.files].find((f) => f.type.startsWith("image/"));
  if (picture) scanPicture(picture);
});

// announce slides a banner in for a message that came while somebody looked
// elsewhere, as WeChat does over a page.
const heard = {}; // user -> id of the newest message already announced
let leaving;
function announce() {
  const list = store.state.chats.filter((m) => !m.mine && m.kind !== "event");
  const newest = list[list.length - 1];
  const first = !(store.user in heard);
  const known = heard[store.user] || 0;
  heard[store.user] = newest ? newest.id : known;
  if (first || !newest || newest.id <= known || at.tab === "chats" && !document.querySelector(".cover")) return;
  const banner = document.getElementById("banner");
  banner.replaceChildren(h("b", {}, newest.chat), h("span", {}, gist(newest)));
  banner.onclick = () => { banner.classList.remove("on"); closeWeb(); at.tab = "chats"; at.chat = newest.chat; draw(); };
  banner.classList.add("on");
  clearTimeout(leaving);
  leaving = setTimeout(() => banner.classList.remove("on"), 5000);
}

store.listeners.push(announce);
store.listeners.push(() => {
  document.getElementById("clock").textContent = clock(store.state.now);
  drawPeople(); drawAccounts(); drawTrouble(); drawLog(); draw();
});

const desk = document.getElementById("console");
desk.addEventListener("click", () => {
  const on = document.body.classList.toggle("desk");
  desk.textContent = on ? "回到手机" : "控制台";
  desk.setAttribute("aria-expanded", String(on));
});

// ?user= and ?scan= let a printed address open the phone ready to go.
const asked = new URLSearchParams(location.search);
const start = asked.get("user") || remembered();
if (asked.get("tab") in names) at.tab = asked.get("tab");
drawTabs();
(start ? choose(start) : refresh()).then(() => {
  if (asked.get("chat")) { at.chat = asked.get("chat"); draw(); }
  if (asked.get("scan")) scanText(asked.get("scan"));
}, () => toast("连不上模拟器"));

let failing = false;
setInterval(() => {
  if (document.hidden) return;
  refresh().then(() => { failing = false; }, () => { if (!failing) toast("连不上模拟器，正在重试"); failing = true; });
}, 1000);
