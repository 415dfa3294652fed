import Verdict from "./verdict.js";

export default function Page() {
  return <Verdict text="A delight from start to finish." />;
}
