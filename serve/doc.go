// Package serve answers with the models in service.
//
// Each application has one atomic pointer to a [Serving]: a model with its vocabulary
// and what it falls back to. [Service.Swap] puts another in its place while requests
// are under way; a request reads the pointer once, so that no answer comes from half a model.
//
// A scorer that asks for names is told who the person is, so that it can remember people between
// requests; what it answers must not depend on that.
//
// A recommendation falls back to popularity when no model was promoted, and when a
// person has no history that the model knows; the answer says which and why.
package serve
