// Package learn is how anything is learned: candidates are fitted, judged on held-out data, and the best one is
// promoted if it beats what is in service.
//
// A learning task is a value, [Task]: its name, the metric that chooses, what assembles its data in a pass over people, the candidates,
// how they are judged and compared, what may veto, and how a model is laid out for requests. Applications give their tasks;
// nothing here knows one by name.
//
// A [Registry] keeps the runs of a project's tasks and holds what is in service: one atomic [Slot] a task. A turn does
//
//	work, err := registry.Train(ctx, task, data, …)   // every candidate is fitted and kept as a run
//	err = registry.Judge(ctx, work)                   // all of them on the same held-out data; the card
//	err = registry.Promote(ctx, work, force)          // beats → guard → promoted or kept in the shadow, and an event either way
//
// and by hand the same, one by one: [Registry.Resume] finds the newest run again and checks, by the digest, that the data
// are those that it learned from. Datasets are not stored: another pass assembles them.
package learn
