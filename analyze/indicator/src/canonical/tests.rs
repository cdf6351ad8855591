//! Spellings of values.

use super::*;
use crate::Key;
use proptest::prelude::*;

#[test]
fn every_spelling_has_one_form() {
    for (text, kind, value) in [
        (" 192.0.2.1 ", Kind::Ip, "192.0.2.1"),
        ("192[.]0[.]2[.]1", Kind::Ip, "192.0.2.1"),
        ("::ffff:192.0.2.1", Kind::Ip, "192.0.2.1"),
        ("192.0.2.1:8080", Kind::Ip, "192.0.2.1"),
        ("192.0.2.1/32", Kind::Ip, "192.0.2.1"),
        ("2001:DB8:0:0::1", Kind::Ip, "2001:db8::1"),
        ("[2001:db8::1]:443", Kind::Ip, "2001:db8::1"),
        ("2001:db8::1/128", Kind::Ip, "2001:db8::1"),
        ("192.0.2.77/24", Kind::Cidr, "192.0.2.0/24"),
        ("2001:db8::5/32", Kind::Cidr, "2001:db8::/32"),
        ("::ffff:192.0.2.0/120", Kind::Cidr, "192.0.2.0/24"),
        ("Evil.EXAMPLE.", Kind::Domain, "evil.example"),
        ("*.evil.example", Kind::Domain, "evil.example"),
        (".evil.example", Kind::Domain, "evil.example"),
        ("evil(dot)example", Kind::Domain, "evil.example"),
        ("evil.example:8443", Kind::Domain, "evil.example"),
        ("Bücher.example", Kind::Domain, "xn--bcher-kva.example"),
        ("_dmarc.evil.example", Kind::Domain, "_dmarc.evil.example"),
        ("例え.テスト", Kind::Domain, "xn--r8jz45g.xn--zckzah"),
        ("hxxps://Evil[.]Example:443/a/../B?q=1#frag", Kind::Url, "https://evil.example/B?q=1"),
        ("hXXp[:]//evil.example", Kind::Url, "http://evil.example/"),
        ("evil.example/Gate.php", Kind::Url, "http://evil.example/Gate.php"),
        ("192.0.2.1:80/x", Kind::Url, "http://192.0.2.1/x"),
        ("http://0x7f.1/", Kind::Url, "http://127.0.0.1/"),
        ("http://evil.example./a", Kind::Url, "http://evil.example/a"),
        ("tcp://evil.example:4444", Kind::Url, "tcp://evil.example:4444"),
        ("D41D8CD98F00B204E9800998ECF8427E", Kind::Md5, "d41d8cd98f00b204e9800998ecf8427e"),
        ("DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", Kind::Sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("T13D1516H2_8DAAF6152771_B186095E22B6", Kind::Ja4, "t13d1516h2_8daaf6152771_b186095e22b6"),
        ("Who[at]Evil[.]example", Kind::Email, "who@evil.example"),
        ("/tmp//.x/./kinsing", Kind::Path, "/tmp/.x/kinsing"),
        ("C:\\Users\\Public\\A.exe", Kind::Path, "c:\\users\\public\\a.exe"),
    ] {
        assert_eq!(guess(text).unwrap(), (kind, value.to_string()), "{text}");
        assert_eq!(canonical(kind, value).unwrap(), value, "{text}");
    }
    assert_eq!(canonical(Kind::Path, "kinsing").unwrap(), "kinsing");
    assert_eq!(canonical(Kind::Cidr, "192.0.2.1").unwrap(), "192.0.2.1/32");
}

#[test]
fn what_is_nothing_is_refused_by_name() {
    for text in
        ["", " ", "x", "a b.example", "http://", "1.2.3", "evil..example", "-", "a@b", "@evil.example", "999.1.1.1"]
    {
        assert!(guess(text).unwrap_err().is(&fault::VALUE) || guess(text).unwrap_err().is(&fault::TOO_WIDE), "{text}");
    }
    for text in ["0.0.0.0/0", "10.0.0.0/7", "::/0", "2000::/3", "com", "co.uk", "com.cn", "ne.jp"] {
        assert!(guess(text).unwrap_err().is(&fault::TOO_WIDE) || guess(text).unwrap_err().is(&fault::VALUE), "{text}");
    }
    assert!(guess("co.uk").unwrap_err().is(&fault::TOO_WIDE) && guess("0.0.0.0/0").unwrap_err().is(&fault::TOO_WIDE));
    assert!(guess(&"a".repeat(3000)).unwrap_err().is(&fault::TOO_LONG));
    assert!(canonical(Kind::Ip, "evil.example").is_err() && canonical(Kind::Domain, "192.0.2.1").is_err());
    assert!(canonical(Kind::Sha1, "abcd").is_err() && canonical(Kind::Ja4, &"é".repeat(18)).is_err());
}

#[test]
fn addresses_of_ones_own_are_known() {
    for text in [
        "10.1.2.3",
        "127.0.0.1",
        "::1",
        "192.168.1.1",
        "169.254.1.1",
        "100.64.0.1",
        "fe80::1",
        "fd00::1",
        "224.0.0.1",
        "::ffff:10.0.0.1",
        "0.0.0.0",
    ] {
        assert!(is_internal(text.parse().unwrap()), "{text}");
    }
    for text in ["8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111"] {
        assert!(!is_internal(text.parse().unwrap()), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_gives_a_value_or_a_fault(text in "\\PC{0,80}") {
        for kind in Kind::ALL {
            if let Ok(value) = canonical(*kind, &text) {
                prop_assert_eq!(canonical(*kind, &value).unwrap(), value, "canonical again is the same");
            }
        }
        if let Ok((kind, value)) = guess(&text) {
            prop_assert_eq!(canonical(kind, &value).unwrap(), value);
        }
    }

    #[test]
    fn likely_texts_stay_the_same_when_read_again(
        text in "(hxxps?|http|)(://|\\[:\\]//|)[a-zA-Z0-9é\\[\\].:@_-]{1,20}(/[a-z./?#%\\\\ ]{0,12})?"
    ) {
        if let Ok((kind, value)) = guess(&text) {
            prop_assert_eq!(guess(&value).unwrap(), (kind, value.clone()));
            prop_assert_eq!(Key::of(kind, &value), Key::of(kind, &canonical(kind, &value).unwrap()));
        }
    }
}
