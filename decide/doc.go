// Package decide turns scores into actions, and carries the actions out.
//
// A [Policy] turns the candidates of a request into a probability distribution. A [Decider]
// draws from it, writes the decision with its propensity to the log, and only then answers.
// People in the global holdout get the baseline policy over the baseline candidates instead.
// A decision can be replayed bit for bit from its policy, its candidates and its seed ([Replay]).
//
// A [Sender] hands decided messages to an [Actor] ([Webhook], [Mail], [Audience]) within consent,
// quiet hours and frequency caps. [Sender.Plan] shows beforehand who would get what, and who is held
// back and why; each message that leaves is an event in the log that names its decision.
package decide
