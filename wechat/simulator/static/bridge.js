// What WeChat gives every page it opens: WeixinJSBridge and wx. The phone page
// around the frame does the work. Loaded twice on pages that also ask for
// jweixin (the simulator serves this file in its place); the second is a no-op.
(function () {
  "use strict";
  if (window.WeixinJSBridge) return;
  var shell = null;
  try { shell = window.parent !== window && window.parent.simPhone; } catch (e) { shell = null; }
  var known = ["requestMerchantTransfer", "chooseImage", "scanQRCode", "closeWindow", "hideOptionMenu", "showOptionMenu", "updateAppMessageShareData", "updateTimelineShareData", "getLocation"];
  var readyList = [], errorList = [], state = "new", fault = "";

  function answer(cb, msg) { if (typeof cb === "function") setTimeout(function () { cb({ err_msg: msg, errMsg: msg }); }, 0); }

  function transfer(params, cb) {
    var name = "requestMerchantTransfer";
    if (!shell || !params || !params.package) return answer(cb, name + ":fail");
    shell.requestMerchantTransfer(params["package"]).then(
      function (how) { answer(cb, name + ":" + (how === "ok" ? "ok" : "cancel")); },
      function (err) { shell.toast(err.message); answer(cb, name + ":fail"); });
  }

  function invoke(name, params, cb) {
    if (name === "requestMerchantTransfer") return transfer(params, cb);
    if (name === "closeWindow") { if (shell) shell.close(); return answer(cb, "closeWindow:ok"); }
    if (name === "scanQRCode") { if (shell) shell.scan(); return answer(cb, "scanQRCode:ok"); }
    if (name === "getNetworkType") return answer(cb, "network_type:wifi");
    answer(cb, name + (known.indexOf(name) >= 0 ? ":ok" : ":fail, the api not support"));
  }
  window.WeixinJSBridge = { invoke: invoke, call: function (name) { invoke(name, {}, null); }, on: function () {}, log: function () {} };

  function settle(result) {
    state = result === "config:ok" ? "ready" : "error";
    fault = result;
    if (state === "ready") readyList.splice(0).forEach(function (f) { f(); });
    else errorList.forEach(function (f) { f({ errMsg: result }); });
  }
  function promised(name, run) {
    return function (o) {
      o = o || {};
      run(o, function (res) {
        var okay = /:ok$/.test(res.errMsg), cancel = /:cancel$/.test(res.errMsg);
        var f = okay ? o.success : cancel ? o.cancel || o.fail : o.fail;
        if (f) f(res);
        if (o.complete) o.complete(res);
      });
    };
  }
  var wx = {
    config: function (c) {
      if (!shell) return settle("config:ok");
      shell.jsConfig({ appId: c.appId, nonceStr: c.nonceStr, timestamp: Number(c.timestamp), signature: c.signature, path: location.pathname + location.search })
        .then(function (out) { settle(out.errMsg); }, function (err) { settle("config:fail, " + err.message); });
    },
    ready: function (f) { if (state === "ready") setTimeout(f, 0); else if (state === "new") readyList.push(f); },
    error: function (f) { errorList.push(f); if (state === "error") f({ errMsg: fault }); },
    checkJsApi: function (o) {
      var result = {};
      (o.jsApiList || []).forEach(function (n) { result[n] = known.indexOf(n) >= 0; });
      var res = { checkResult: result, errMsg: "checkJsApi:ok" };
      if (o.success) o.success(res);
      if (o.complete) o.complete(res);
    },
    requestMerchantTransfer: promised("requestMerchantTransfer", transfer),
    miniProgram: { getEnv: function (cb) { cb({ miniprogram: false }); }, postMessage: function () {}, navigateTo: function () {} },
  };
  known.concat(["hideMenuItems", "showMenuItems", "onMenuShareAppMessage", "onMenuShareTimeline"]).forEach(function (name) {
    if (!wx[name]) wx[name] = promised(name, function (o, cb) { invoke(name, o, cb); });
  });
  window.wx = window.jWeixin = wx;

  function announce() { document.dispatchEvent(new CustomEvent("WeixinJSBridgeReady")); }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", announce);
  else setTimeout(announce, 0);
})();
