/** What the Teach tab starts with: requests to a support desk, this project's own. */

/** The examples by label. */
export const STARTER: Readonly<Record<string, readonly string[]>> = {
  billing: [
    "Can I pay by bank transfer?",
    "The discount code was not applied",
    "I was charged twice this month",
    "My invoice shows the wrong amount",
    "Please refund my last payment",
  ],
  bug: [
    "Pages stay blank since the update",
    "The export button does nothing",
    "The app crashes when I save",
    "It freezes on large files",
    "An error shows up when I open the editor",
  ],
  account: [
    "How do I change my e-mail address?",
    "Please delete my profile",
    "I can't log in any more",
    "The mail to reset my password never arrives",
    "My user name is wrong",
  ],
  idea: [
    "I wish I could undo a delete",
    "Please support more languages",
    "Could you add keyboard shortcuts?",
    "A dark mode would be lovely",
    "It would help to sort by date",
  ],
};

/** The text to try it on. */
export const FIRST_TEXT = "They took the money two times";
