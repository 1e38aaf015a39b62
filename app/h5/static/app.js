// Everything here is comfort: without it forms still post and pages still reload.
(function () {
  "use strict";
  var doc = document;
  function each(sel, fn) { Array.prototype.forEach.call(doc.querySelectorAll(sel), fn); }

  // The amount's entrance can be skipped with a tap.
  doc.addEventListener("click", function () { doc.body.classList.add("still"); }, { once: true });

  // A second tap must not post twice while the first is under way. The page may come
  // back from the browser's memory, then the button works again.
  each("form[data-post]", function (form) {
    var button = form.querySelector("button"), label = button.textContent, sent = false;
    form.addEventListener("submit", function (e) {
      if (sent) { e.preventDefault(); return; }
      if (form.hasAttribute("data-locate") && !form.located && navigator.geolocation) {
        e.preventDefault();
        locate(form);
        return;
      }
      sent = true;
      button.textContent = button.getAttribute("data-busy") || label;
    });
    window.addEventListener("pageshow", function () { sent = false; button.textContent = label; });
  });

  // The consent stands without the place; the place is only added when it is there.
  function locate(form) {
    function go() { form.located = true; if (form.requestSubmit) form.requestSubmit(); else form.submit(); }
    navigator.geolocation.getCurrentPosition(function (p) {
      form.elements.lat.value = p.coords.latitude;
      form.elements.lon.value = p.coords.longitude;
      go();
    }, go, { timeout: 8000, maximumAge: 60000 });
  }

  var box = doc.querySelector("[data-poll]");
  if (!box) return;
  var url = box.getAttribute("data-poll"), first = Number(box.getAttribute("data-every")) || 1500;
  var wait = first, timer = 0, asking = false, latest = null, quietUntil = 0;
  var title = box.querySelector("[data-title]"), text = box.querySelector("[data-text]");
  var area = box.querySelector("[data-confirm]"), button = box.querySelector("[data-transfer]");
  // Clauses stay in one piece on a narrow screen, and moments within them, as in the
  // page's first answer.
  function span(into, kind, s) {
    var el = doc.createElement("span");
    el.className = kind;
    el.textContent = s;
    into.appendChild(el);
    return el;
  }
  function say(node, s) {
    if (!node || node.textContent === s) return;
    node.textContent = "";
    (s.match(/[^，。；]+[，。；]*/g) || []).forEach(function (clause) {
      var whole = span(node, "cl", "");
      clause.split(/(\d{4}-\d\d-\d\d(?: \d\d:\d\d)?)/).forEach(function (part, i) { span(whole, i % 2 ? "nb" : "", part); });
    });
  }
  // WeChat shows the document's title above the page: it must not contradict it.
  var suffix = title ? doc.title.slice(title.textContent.length) : "";
  function head(s) { say(title, s); doc.title = s + suffix; }

  function show(p) {
    latest = p;
    box.className = "packet " + p.state;
    if (p.state === "confirm" && Date.now() < quietUntil) return; // the result is on its way
    head(p.title);
    say(text, p.text);
    area.hidden = p.state !== "confirm";
    if (button) button.hidden = p.state !== "confirm" || !p.confirm;
  }
  function later() {
    clearTimeout(timer);
    timer = setTimeout(ask, wait);
    wait = Math.min(wait * 1.5, 30000);
  }
  function ask() {
    if (asking || doc.hidden) return;
    asking = true;
    fetch(url, { credentials: "same-origin", headers: { Accept: "application/json" } })
      .then(function (r) {
        if (r.status === 401 || r.status === 404) return null; // the session is over: reloading logs in again
        if (!r.ok) throw new Error(String(r.status));
        return r.json();
      })
      .then(function (body) {
        asking = false;
        if (!body) return;
        var before = latest && latest.state;
        show(body.data);
        if (before && before !== body.data.state) wait = first;
        if (body.data.poll_ms > 0) later();
      })
      .catch(function () { asking = false; later(); });
  }
  doc.addEventListener("visibilitychange", function () { if (!doc.hidden) { wait = first; ask(); } });
  ask();

  function bridge(fn) {
    if (window.WeixinJSBridge) fn(window.WeixinJSBridge);
    else doc.addEventListener("WeixinJSBridgeReady", function () { fn(window.WeixinJSBridge); }, { once: true });
  }
  function old() { say(text, "当前微信版本过低，请升级微信后确认收款。"); button.disabled = false; }

  // checkJsApi first: an old WeChat has no such call and would stay silent. "ok" only
  // says that the page was shown; whether money moved, the server learns from WeChat.
  function transfer(b, p) {
    b.invoke("requestMerchantTransfer", { mchId: p.mch_id, appId: p.app_id, package: p.package }, function (res) {
      button.disabled = false;
      var msg = (res && res.err_msg) || "";
      if (/:ok$/.test(msg)) {
        quietUntil = Date.now() + 20000; // then he may try again: perhaps he only closed it
        head("处理中");
        say(text, "正在等待微信的到账结果。");
        button.hidden = true;
      } else if (/:cancel$/.test(msg)) {
        say(text, "您还没有确认收款。" + (latest ? latest.text : ""));
      } else if (/not support|not_support|access_denied|does not exist/.test(msg)) {
        old();
      } else {
        say(text, "没有打开收款页，请稍后重试。");
      }
      wait = first;
      later();
    });
  }
  if (button) button.addEventListener("click", function () {
    if (!latest || !latest.confirm) { ask(); return; }
    button.disabled = true;
    bridge(function (b) {
      var done = false;
      // Some versions never answer checkJsApi; trying is then the only way to know.
      var guard = setTimeout(function () { if (!done) { done = true; transfer(b, latest.confirm); } }, 1200);
      b.invoke("checkJsApi", { jsApiList: ["requestMerchantTransfer"] }, function (res) {
        if (done) return;
        done = true;
        clearTimeout(guard);
        var has = res && res.checkResult;
        if (typeof has === "string") { try { has = JSON.parse(has); } catch (e) { has = null; } }
        if (has && has.requestMerchantTransfer === false) old();
        else transfer(b, latest.confirm);
      });
    });
  });
})();
