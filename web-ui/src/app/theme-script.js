// Runs before the first paint, so that a dark page never flashes white. Keep in step with
// src/shared/appearance/appearance.ts, which writes what is read here.
(function () {
  var root = document.documentElement;
  var wanted = {};
  try {
    wanted = JSON.parse(localStorage.getItem("qd.appearance") || "{}") || {};
  } catch {
    wanted = {};
  }
  var dark = wanted.theme === "dark" || (wanted.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = dark ? "dark" : "light";
  root.dataset.face = wanted.face === "serif" ? "serif" : "sans";
  root.dataset.size = ["small", "medium", "large", "larger"].indexOf(wanted.size) >= 0 ? wanted.size : "medium";
})();
