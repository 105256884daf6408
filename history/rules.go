package history

// The rules, in the order in which they apply to a person's events.
const (
	ruleUndone rule = iota
	ruleCrowded
	ruleRepeatedID
	ruleNames
	ruleFuture
	ruleRobotAgent
	ruleRobotRate
	ruleDuplicate
	ruleCurrency
	ruleUnknownCurrency
	ruleMissingPrice
	ruleOutlyingPrice
	ruleOutlyingQuantity
	ruleOutlyingValue
	ruleLate
	ruleIdentity
	ruleIdentityConflict
	ruleAttribution
	ruleConsentScope
	rules // their number
)

// ruleList says what each rule is called and why it exists, for those who read its report.
//
// "Sender" is an event's anonymous id, or its subject where it has none. Market data and the system's records are
// exempt from the robot rules and from identities. Each rule works on what the one before left:
//
//	undone              came with an import that was taken back: not read.
//	crowded             beyond the newest 10,000 events under one id: not read.
//	repeated_id         an id that an earlier event of the person has: dropped.
//	names               type: trimmed, lower case, spaces and hyphens one underscore; channel: trimmed, lower case; other names
//	                    and ids: trimmed, inner white space to one space; an item's spelling that is not in the catalogue but
//	                    equals exactly one item of it when case is ignored becomes that item's; campaign and creative become the
//	                    most frequent spelling of those that are equal when case is ignored (ties: the first in byte order).
//	                    One event counts once. An event whose only person's id was white space is dropped.
//	future              occurred more than 5 minutes after received: occurred becomes received.
//	robot_agent         the user agent names a program: dropped.
//	robot_rate          a session (one sender, one session's name; without a name cut where more than 30 minutes pass) in which
//	                    some 60 seconds hold more than 120 browsing events in at least 10 different seconds: dropped as a whole.
//	duplicate           equal to an event that was received before it with another message or file, in all but id, receipt and the
//	                    fraction of the second; where Order is set the whole of occurred is ignored: dropped. Equal lines of one
//	                    message, and equal rows of one file, are as many things that happened: a repeat of them is dropped line by
//	                    line, so that of a message of two equal lines and another of three, three stay.
//	currency            a price in another currency for which a rate is known: converted, rounded half away from zero.
//	unknown_currency    a price in another currency without a rate: kept as it is (Seen only).
//	missing_price       add_to_cart, remove_from_cart, begin_checkout, purchase or refund of an item without a price: filled with
//	                    the item's reference price; one without a reference stays missing (Seen, not Changed).
//	outlying_price      more than 10 times the reference or less than a tenth of it: becomes the reference; nought stays.
//	outlying_quantity   more than 100 × the median quantity of its type: set to 0, not said, which counts as one piece.
//	outlying_value      a survey answer outside 0–10: dropped. Engagement outside 0–86,400 seconds, or a value more than 1,000
//	                    median absolute deviations from its type's median: set to 0.
//	late                received more than 24 hours after it occurred: kept (Seen only); features at time t do not use it until
//	                    it was received.
//	identity            Seen: logins and aliases. Changed: those that joined an id to a subject.
//	identity_conflict   a login that would give a device a second subject: not joined (Seen only). Only an alias joins two subjects.
//	attribution         events sent under an id that was joined: their subject is the one that it was joined to.
//	consent_scope       events that stay with their id although it was joined, because their consent differs from the login's.
//
// The reference price of an item is the catalogue's, converted to the main currency; without one, the median of its prices
// over events of the five types, when there are five or more. Medians and the usual spellings are in [Limits].
var ruleList = [rules]struct{ name, why string }{
	ruleUndone:           {"undone", "it came with an import that was taken back"},
	ruleCrowded:          {"crowded", "more than 10,000 events came under one id: the newest are read"},
	ruleRepeatedID:       {"repeated_id", "the same message id came before"},
	ruleNames:            {"names", "the same thing was spelled in several ways"},
	ruleFuture:           {"future", "occurred after it was received: the sender's clock is ahead; the time of receipt is used"},
	ruleRobotAgent:       {"robot_agent", "the user agent says that a program sent it"},
	ruleRobotRate:        {"robot_rate", "no person browses more than 120 pages a minute"},
	ruleDuplicate:        {"duplicate", "the same content came before with another message or file"},
	ruleCurrency:         {"currency", "prices are compared in one currency"},
	ruleUnknownCurrency:  {"unknown_currency", "no rate is known for the currency; the price is not used"},
	ruleMissingPrice:     {"missing_price", "a sale without a price; the item's reference price is used"},
	ruleOutlyingPrice:    {"outlying_price", "ten times off the item's reference price, which is used instead"},
	ruleOutlyingQuantity: {"outlying_quantity", "more than 100 times the usual quantity; treated as not said"},
	ruleOutlyingValue:    {"outlying_value", "a value that cannot be true for its type"},
	ruleLate:             {"late", "received more than a day after it occurred; used from its receipt on"},
	ruleIdentity:         {"identity", "a login or alias says that two ids are one person"},
	ruleIdentityConflict: {"identity_conflict", "a second person signed in on a device that belongs to another"},
	ruleAttribution:      {"attribution", "sent under an id that was joined to a subject"},
	ruleConsentScope:     {"consent_scope", "given under another consent than the login that joined the id: not merged"},
}
