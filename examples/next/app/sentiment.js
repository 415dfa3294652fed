"use client";

import { useEffect, useState } from "react";
import { Classifier } from "tabsense";
import model from "tabsense/model/sentiment-en";

export default function Sentiment() {
  const [text, setText] = useState("A delight from start to finish.");
  const [classifier, setClassifier] = useState(null);
  const [verdict, setVerdict] = useState("…");

  // Effects run only in the browser: the server renders the page without loading anything.
  useEffect(() => {
    const unmounted = new AbortController();
    const loading = Classifier.load(model, { signal: unmounted.signal });
    loading.then(setClassifier, (error) => unmounted.signal.aborted || setVerdict(error.message));
    return () => {
      unmounted.abort();
      loading.then((loaded) => loaded.dispose()).catch(() => {});
    };
  }, []);

  useEffect(() => {
    const superseded = new AbortController();
    classifier?.classify(text, { signal: superseded.signal }).then(
      ([best]) => setVerdict(best ? `${best.label} ${best.score.toFixed(3)}` : ""),
      (error) => superseded.signal.aborted || setVerdict(error.message),
    );
    return () => superseded.abort();
  }, [classifier, text]);

  return (
    <>
      <label>
        Text <textarea value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <output>{verdict}</output>
    </>
  );
}
