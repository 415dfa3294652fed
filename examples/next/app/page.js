import Sentiment from "./sentiment.js";

export default function Page() {
  return (
    <main>
      <h1>Sentiment</h1>
      <Sentiment />
    </main>
  );
}
