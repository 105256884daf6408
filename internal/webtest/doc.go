// Package webtest is what every folder with pages is tested by: [Texts] finds keys that are missing or unused in
// either language, [Open] starts a browser, where there is one, and [Browser.Look] opens a page on a phone or a wide
// screen, light or dark, and says what is wrong with it: rules of accessibility (axe-core 4.14.1, MPL-2.0), blocked or
// failing scripts, anything that the page's own policy forbids, and content wider than the window.
package webtest
