// What a browser says about a WebGPU adapter, in a page.

/** `{ name, software }` of a GPUAdapterInfo. */
export function adapterOf({ vendor, architecture, device, description, isFallbackAdapter }) {
  return {
    name: [vendor, architecture, device, description].filter(Boolean).join(" ") || "unnamed",
    software: isFallbackAdapter,
  };
}
