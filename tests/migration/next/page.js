"use client";

import { useEffect, useRef, useState } from "react";

export default function Sentiment() {
  const [ready, setReady] = useState(null);
  const [files, setFiles] = useState([]);
  const [result, setResult] = useState(null);
  const worker = useRef(null);

  useEffect(() => {
    worker.current ??= new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    const onMessage = ({ data }) => {
      switch (data.status) {
        case "initiate":
          setReady(false);
          setFiles((before) => [...before, data.file].sort());
          break;
        case "ready":
          setReady(true);
          break;
        case "complete":
          setResult(data.output);
          break;
      }
    };
    worker.current.addEventListener("message", onMessage);
    return () => worker.current.removeEventListener("message", onMessage);
  }, []);

  return (
    <main>
      <input
        placeholder="A text"
        onInput={({ target }) => {
          setResult(null);
          worker.current.postMessage({ text: target.value });
        }}
      />
      <ul>
        {files.map((file) => (
          <li key={file}>{file}</li>
        ))}
      </ul>
      {ready !== null && <pre>{ready && result ? JSON.stringify(result) : "Loading …"}</pre>}
    </main>
  );
}
