// Package page is the console's frame and its components.
//
// An application hands in a [Module]: its pages as values ([Page]: address, role, group of the
// navigation, title, where its data come from, which template shows them), a folder of templates, and a
// folder of texts in English and 简体中文. [New] joins the modules to a [Frame], whose [Frame.Routes]
// are the rows that a route table takes, the assets among them.
//
// A template gets a [View]. Its methods are the components, each of one typed input: [View.Figure] with
// an interval, [View.Table] that sorts, pages and downloads, [View.Chart] with its table,
// [View.Empty], [View.Notice], [View.Form] with its dry run, [View.Progress], [View.Live], [View.Explain],
// [View.Definitions], [View.Pagination], [View.Search]. Values are formatted by language in [View.Show].
//
//	{{$.Figure .Earned}}
//	{{$.Table .Models}}
//
// Data functions know nothing of languages: they give numbers, times and text keys ([T]), and the view
// writes them. Everything on a page can be read without JavaScript; scripts draw charts, renew lists
// and save a reload. No page needs inline scripts or styles, and none is allowed to have them.
package page
