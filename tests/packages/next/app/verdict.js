"use client";

import { useEffect, useState } from "react";
import { Classifier } from "tabsense";
import model from "tabsense/model/sentiment-en";

/** What the model says of `text`: rendered without it on the server, and with it in the browser. */
export default function Verdict({ text }) {
  const [verdict, setVerdict] = useState("…");
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const classify = async () => {
      const classifier = await Classifier.load(model, { signal });
      const [{ label, score }] = await classifier.classify(text, { signal });
      setVerdict(`${label} ${score.toFixed(3)}`);
      await classifier.dispose();
    };
    classify().catch((error) => signal.aborted || setVerdict(error.message));
    return () => controller.abort();
  }, [text]);
  return <output>{verdict}</output>;
}
