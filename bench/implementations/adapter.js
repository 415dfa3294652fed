// A WebGPU adapter as the browser describes it, in a page.

/** `{ name, software }` of a GPUAdapterInfo. */
export function adapterOf({ vendor, architecture, device, description, isFallbackAdapter }) {
  return {
    name: [vendor, architecture, device, description].filter(Boolean).join(" ") || "unnamed",
    software: isFallbackAdapter,
  };
}
