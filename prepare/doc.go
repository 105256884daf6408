// Package prepare turns the log into what models learn from: rules clean the events, identities
// merge, and sequences and tables are built with splits that never see their own future.
//
// # Rules
//
// [Clean] applies the rules below in this order, each to what the one before left. A rule's row in the
// [Report] says how many events it found (Seen), altered (Changed) and removed (Dropped). The
// definitions are exact, so that a simulator which plants dirt can predict every count.
//
// "Sender" is an event's anonymous id, or its subject where it has none. Non-personal events (market
// data, the system's records) are exempt from the robot rules and from identities.
//
//	as_of               received after Input.AsOf (when AsOf is set): dropped.
//	invalid             Event.Validate refuses it: dropped.
//	repeated_id         an id that an earlier event of the log has: dropped.
//	names               changed when any of these alters it (one event counts once):
//	                    · type: trimmed, lower case, runs of spaces and hyphens become one underscore
//	                    · channel: trimmed, inner white space to one space, lower case
//	                    · every other name and id: trimmed, inner white space to one space
//	                    · item: a spelling that is not in the catalogue but equals exactly one item of
//	                      it when case is ignored becomes that item's; without a match it stays
//	                    · campaign and creative: spellings equal when case is ignored become the most
//	                      frequent one (ties: the first in byte order)
//	                    An event whose only person's id was white space is dropped.
//	future              occurred more than 5 minutes after received: occurred becomes received.
//	robot_agent         the user agent, case ignored, contains bot (but not cubot), crawler, spider,
//	                    slurp, headless, phantomjs, python-requests, scrapy, curl/, wget/, go-http-client
//	                    or facebookexternalhit: the event is dropped.
//	robot_rate          a session in which some 60 seconds hold more than 120 browsing events
//	                    (view_item, view_item_list, select_item, page_view, screen_view, search) in at
//	                    least 10 different seconds: all events of the session are dropped. A session is
//	                    the events of one sender with one Session; those without a Session are cut
//	                    where more than 30 minutes pass between two of them.
//	duplicate           equal to an event that was received before it (ties: earlier in the log) in all
//	                    but id, received, raw and the fraction of the second in occurred; where Order is
//	                    set the whole of occurred is ignored (a thank-you page that was loaded twice): dropped.
//	currency            a price in another currency than Rules.Currency for which Rules.Rates has a
//	                    rate: converted, rounded half away from zero.
//	unknown_currency    a price in another currency without a rate: kept as it is (Seen only); models
//	                    treat it as not known.
//	missing_price       add_to_cart, remove_from_cart, begin_checkout, purchase or refund of an item
//	                    without a price: filled with the item's reference price; one without a
//	                    reference stays missing (Seen, not Changed).
//	outlying_price      a price in the main currency, of the same five types, that is more than 10
//	                    times the item's reference price or less than a tenth of it: becomes the reference.
//	outlying_quantity   more than 100 × the median quantity of its type (over events that say one; the
//	                    median is at least 1): set to 0, not said, which counts as one piece.
//	outlying_value      a survey answer outside 0–10: dropped. Engagement below 0 or above 86,400
//	                    seconds, or a value of another type that lies more than 1,000 median absolute
//	                    deviations from its type's median (types with 20 values or more and a
//	                    deviation above 0): set to 0.
//	late                received more than 24 hours after occurred: kept (Seen only); features at time t
//	                    do not use it until it was received.
//	identity            Seen: identify events with both ids and alias events. Changed: identities that
//	                    were joined to a subject by them.
//	identity_conflict   a login that would give an anonymous id a second subject (a shared device): not
//	                    joined (Seen only). Only an alias joins two subjects.
//	attribution         events sent under an id that was joined: their subject is the one it was joined to.
//	consent_scope       events that stay with their anonymous or former id although it was joined,
//	                    because their consent differs from the login's (Seen only).
//
// The reference price of an item is the catalogue's, converted to the main currency; without one, the
// median of its prices in the main currency over events of those five types, when there are five or more.
// The median of an even number of values is the lower of the two middle ones.
//
// # Identities
//
// A person's events before sign-in carry an anonymous id alone. An identify event that carries both ids,
// or an alias event, joins the two from the moment it was received. The consent scope of an event is its
// set of purposes (none said is a scope too): a link joins events of its own scope only, so a merge never
// crosses scopes. The first login owns an anonymous id. An anonymous id that was never joined is a
// subject of that spelling.
//
// # Truth in time
//
// Features at time t use events with received ≤ t, and links received ≤ t. The limits of the outlier and
// robot rules are learned from everything up to AsOf; [Clean] with AsOf = t gives the strictest view.
package prepare
