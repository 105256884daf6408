package collect

import (
	"fmt"
	"slices"
	"strings"

	"bellwether"
)

// iso4217 are the currencies in use, ISO 4217 list one, and those that the euro and others replaced since 1990, which files of
// history name.
var iso4217 = func() map[string]bool {
	const codes = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG XAU XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG " +
		"ATS BEF DEM ESP FIM FRF GRD IEP ITL LUF NLG PTE SIT CYP MTL SKK EEK LVL LTL HRK CUC ZWL SLL BYR MRO STD VEF ROL TRL RUR TMM AZM GHC MZM SDD ZMK"
	out := map[string]bool{}
	for _, c := range strings.Fields(codes) {
		out[c] = true
	}
	return out
}()

// currencySigns are what people write for currencies: the first of several is meant, unless the column or the project has another of
// them; a sign that begins with "" is refused without that.
var currencySigns = map[string][]string{
	"€": {"EUR"}, "EURO": {"EUR"}, "EUROS": {"EUR"},
	"$":   {"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP", "TWD", "BBD", "BSD", "BZD", "JMD", "TTD", "XCD", "FJD", "NAD", "LRD"},
	"US$": {"USD"}, "U$S": {"USD"}, "DOLLAR": {"USD"}, "DOLLARS": {"USD"}, "A$": {"AUD"}, "AU$": {"AUD"}, "C$": {"CAD"}, "CA$": {"CAD"}, "NZ$": {"NZD"}, "HK$": {"HKD"}, "S$": {"SGD"},
	"MX$": {"MXN"}, "NT$": {"TWD"}, "R$": {"BRL"}, "£": {"GBP", "EGP", "LBP", "GIP", "FKP", "SHP"}, "¥": {"JPY", "CNY"}, "￥": {"JPY", "CNY"}, "円": {"JPY"}, "元": {"CNY"}, "RMB": {"CNY"},
	"₹": {"INR"}, "RS": {"", "INR", "PKR", "LKR", "NPR", "MUR", "SCR"}, "RS.": {"", "INR", "PKR", "LKR", "NPR", "MUR", "SCR"},
	"KR": {"", "SEK", "NOK", "DKK", "ISK"}, "KR.": {"", "SEK", "NOK", "DKK", "ISK"}, "FR": {"", "CHF", "XAF", "XOF", "XPF"}, "FR.": {"", "CHF", "XAF", "XOF", "XPF"}, "SFR": {"CHF"}, "SFR.": {"CHF"},
	"ZŁ": {"PLN"}, "KČ": {"CZK"}, "FT": {"HUF"}, "LEI": {"RON"}, "ЛВ": {"BGN"}, "ЛВ.": {"BGN"}, "₽": {"RUB"}, "РУБ": {"RUB"}, "РУБ.": {"RUB"}, "₩": {"KRW", "KPW"}, "₺": {"TRY"}, "TL": {"TRY"},
	"₴": {"UAH"}, "₫": {"VND"}, "₪": {"ILS"}, "฿": {"THB"}, "₱": {"PHP"}, "₦": {"NGN"}, "₸": {"KZT"}, "₡": {"CRC"}, "₲": {"PYG"}, "RP": {"IDR"}, "RM": {"MYR"}, "R": {"ZAR"},
}

// currencyNamed is the currency that a code or sign means beside amounts that are otherwise in c. Its error continues the amount.
func currencyNamed(sign string, c bellwether.Currency) (bellwether.Currency, error) {
	if len(sign) == 3 && iso4217[sign] {
		return bellwether.Currency(sign), nil
	}
	upper := strings.ToUpper(strings.TrimSpace(sign))
	if iso4217[upper] {
		return bellwether.Currency(upper), nil
	}
	meant := currencySigns[upper]
	switch {
	case slices.Contains(meant, string(c)):
		return c, nil
	case len(meant) > 0 && meant[0] != "":
		return bellwether.Currency(meant[0]), nil
	case len(meant) > 0:
		return "", fmt.Errorf("names the currency %q, which may be %s: give its code", clip(sign), strings.Join(meant[1:], ", "))
	}
	return "", fmt.Errorf("names the currency %q, which ISO 4217 does not have", clip(sign))
}
