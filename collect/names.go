package collect

import (
	"strings"
	"unicode"

	"bellwether"

	"golang.org/x/text/unicode/norm"
)

// segmentNames are the events of Segment's e-commerce, email and mobile specifications (V2), as
// snake_case, under the names of GA4. What is not here keeps its own name.
var segmentNames = map[string]bellwether.EventType{
	"products_searched":              bellwether.Search,
	"product_list_viewed":            bellwether.ViewItemList,
	"product_list_filtered":          bellwether.ViewItemList,
	"promotion_viewed":               "view_promotion",
	"promotion_clicked":              "select_promotion",
	"product_clicked":                bellwether.SelectItem,
	"product_viewed":                 bellwether.ViewItem,
	"product_added":                  bellwether.AddToCart,
	"product_removed":                bellwether.RemoveFromCart,
	"cart_viewed":                    "view_cart",
	"checkout_started":               bellwether.BeginCheckout,
	"payment_info_entered":           "add_payment_info",
	"order_completed":                bellwether.Purchase,
	"completed_order":                bellwether.Purchase, // V1
	"order_refunded":                 bellwether.Refund,
	"product_added_to_wishlist":      bellwether.AddToWishlist,
	"product_removed_from_wishlist":  "remove_from_wishlist",
	"wishlist_product_added_to_cart": bellwether.AddToCart,
	"product_shared":                 bellwether.Share,
	"cart_shared":                    bellwether.Share,
	"viewed_product":                 bellwether.ViewItem,       // V1
	"added_product":                  bellwether.AddToCart,      // V1
	"removed_product":                bellwether.RemoveFromCart, // V1
	"viewed_product_category":        bellwether.ViewItemList,   // V1
	"signed_up":                      "sign_up",
	"signed_in":                      "login",
	"email_delivered":                bellwether.MessageSent,
	"email_opened":                   bellwether.MessageOpen,
	"email_link_clicked":             bellwether.MessageClick,
	"push_notification_received":     bellwether.MessageSent,
	"push_notification_tapped":       bellwether.MessageClick,
}

// wordNames are single words of event columns in tables.
var wordNames = map[string]bellwether.EventType{
	"pageview": bellwether.PageView, "screenview": bellwether.ScreenView,
	"view": bellwether.ViewItem, "viewed": bellwether.ViewItem, "pv": bellwether.ViewItem, "detail": bellwether.ViewItem,
	"click": bellwether.SelectItem, "clicked": bellwether.SelectItem,
	"cart": bellwether.AddToCart, "addtocart": bellwether.AddToCart, "add": bellwether.AddToCart,
	"buy": bellwether.Purchase, "order": bellwether.Purchase, "transaction": bellwether.Purchase, "purchased": bellwether.Purchase,
	"fav": bellwether.AddToWishlist, "wishlist": bellwether.AddToWishlist,
	"comment_created": bellwether.Comment, "rate": "rating", "impression": bellwether.AdImpression,
}

// reserved are the program's own records: no message from outside may carry their names.
func reserved(t bellwether.EventType) bool {
	return t == bellwether.ModelPromoted || t == bellwether.ModelShadowed || t == bellwether.TurnFailed
}

// canonicalName is the event type of a name as a sender writes it.
func canonicalName(name string) bellwether.EventType {
	s := snake(name)
	if t, ok := segmentNames[s]; ok {
		return t
	}
	return bellwether.EventType(s)
}

// snake writes a name in snake_case: "Order Completed", "orderCompleted" and "order-completed"
// are order_completed. A name that is in snake_case is returned as it is.
func snake(name string) string {
	if isSnake(name) {
		return name
	}
	var b strings.Builder
	gap, lower := false, false
	for _, r := range norm.NFC.String(name) {
		if unicode.IsMark(r) && b.Len() > 0 && !gap { // a vowel sign belongs to its letter
			b.WriteRune(r)
			continue
		}
		if r == '\u200c' || r == '\u200d' { // joins letters
			continue
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			gap = true
			continue
		}
		if b.Len() > 0 && (gap || lower && unicode.IsUpper(r)) {
			b.WriteByte('_')
		}
		gap, lower = false, unicode.IsLower(r) || unicode.IsDigit(r)
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func isSnake(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' && i > 0 && i < len(s)-1 && s[i-1] != '_') {
			return false
		}
	}
	return s != ""
}
