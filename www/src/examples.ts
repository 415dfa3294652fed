/** The example texts. */

/** One example: its name on the button, its text, and the second text of a pair. */
export interface Example {
  name: string;
  text: string;
  pair?: string;
}

/** Chosen to show what a small sentiment model gets right, and when it only seems sure. */
export const EXAMPLES: readonly Example[] = [
  { name: "Praise", text: "Every scene is a small gift, and I left the cinema grinning." },
  { name: "Complaint", text: "The battery died after two days, and support never wrote back." },
  { name: "Negation", text: "I wouldn’t say it was bad; in fact, I have never laughed so hard." },
  { name: "Mixed", text: "Gorgeous to look at, but the plot unravels long before the end." },
  { name: "Neutral", text: "The train leaves from platform four." },
  { name: "Emoji", text: "best birthday EVER 🎂🎉 thank you all so much 😍" },
  {
    name: "Long",
    text:
      "We booked the cottage for a week in late September, mostly because of the photographs of the garden. The garden " +
      "is indeed lovely, and on the first morning we had breakfast under the pear tree. After that it rained. The " +
      "heating worked in one room, the promised firewood turned out to be a heap of damp pallets, and the owner " +
      "answered our messages with a smiley. By Wednesday we had bought two electric radiators ourselves. The kitchen " +
      "has every spice you can imagine and not one sharp knife. And yet: the bed was the best I have slept in for " +
      "years, the walk down to the harbour takes your breath away even in the drizzle, and the woman in the bakery " +
      "saved us the last plum cake three days in a row. Would I come back? With a jumper, a knife and a load of dry " +
      "wood in the boot, I believe I would.",
  },
  {
    name: "It follows",
    text: "A woman is playing the cello on a small stage.",
    pair: "Somebody is making music.",
  },
  {
    name: "It contradicts",
    text: "A woman is playing the cello on a small stage.",
    pair: "The stage is empty.",
  },
  {
    name: "An answer",
    text: "How tall is the tower of Pisa?",
    pair: "The leaning tower of Pisa stands some 56 metres tall on its lower side.",
  },
  {
    name: "No answer",
    text: "How tall is the tower of Pisa?",
    pair: "Pisa lies on the Arno, an hour by train from Florence.",
  },
];
