package mlops

// HeaderCopies is the header of requests of which a rollout copies some to servers that
// answer nobody yet: it lists these, by commas. A copy has it too; so a server that finds
// itself in it was asked by no user, and what it captured counts in no check.
const HeaderCopies = "X-Mlops-Copied-To"
