/** What the Teach tab begins with: requests to a support desk, this project's own. */

/** The examples by label. */
export const STARTER: Readonly<Record<string, readonly string[]>> = {
  billing: [
    "I was charged twice this month",
    "My invoice shows the wrong amount",
    "Can I pay by bank transfer?",
    "Please refund my last payment",
    "The discount code was not applied",
  ],
  bug: [
    "The app crashes when I save",
    "The export button does nothing",
    "Pages stay blank since the update",
    "Search shows results of another project",
    "It freezes on large files",
  ],
  account: [
    "I can't log in any more",
    "How do I change my e-mail address?",
    "Please delete my profile",
    "The mail to reset my password never arrives",
    "Add a colleague to our team",
  ],
  idea: [
    "A dark mode would be lovely",
    "Could you add keyboard shortcuts?",
    "It would help to sort by date",
    "Please support more languages",
    "I wish I could undo a delete",
  ],
};

/** The text to try it on. */
export const FIRST_TEXT = "They took the money two times";
