// Prepended to the package's worker by site.mjs: a message makes the worker crash, as workers do.

addEventListener("message", async (event) => {
  const { crash, glue, port } = event.data ?? {};
  if (!crash) return;
  event.stopImmediatePropagation();
  if (crash === "error")
    setTimeout(() => {
      throw new Error("boom");
    });
  if (crash === "trap") {
    // The engine accesses memory out of bounds.
    const { Engine } = await import(glue);
    const { classify } = Engine.prototype;
    Engine.prototype.classify = function (...args) {
      this.__wbg_ptr = 0x7fff_0000;
      return classify.apply(this, args);
    };
    port.postMessage("set");
  }
});
