//! Refusals name the address, who was expected and who was found.

use pool::{Change, Kind, Limits, Pool, Range, Row, fault};

fn range(text: &str) -> Range {
    text.parse().unwrap()
}

fn pool(limits: Limits) -> Pool {
    let mut pool = Pool::new(limits);
    pool.apply(&Change::Add { range: range("192.0.2.0/24") }).unwrap();
    for name in ["acme", "beta"] {
        pool.apply(&Change::AddHolder { name: name.into(), kind: Kind::Customer }).unwrap();
    }
    pool.apply(&Change::Assign { range: range("192.0.2.16/28"), to: "acme".into() }).unwrap();
    pool
}

#[test]
fn the_second_of_two_who_act_at_once_is_told_who_holds_it() {
    let mut pool = pool(Limits::default());
    let take = Change::Assign { range: range("192.0.2.10-192.0.2.20"), to: "beta".into() };
    let fault = pool.apply(&take).unwrap_err();
    assert!(fault.is(&fault::HELD));
    assert_eq!((fault.named(), fault.wanted(), fault.got()), ("192.0.2.16", "nobody", "acme"));
    let steal = Change::Move { range: range("192.0.2.17"), from: "beta".into(), to: "acme".into() };
    assert_eq!(pool.apply(&steal).unwrap_err().got(), "acme");
}

#[test]
fn what_is_not_there_is_named() {
    let mut pool = pool(Limits::default());
    let outside = Change::Assign { range: range("192.0.2.250-192.0.3.5"), to: "beta".into() };
    let fault = pool.apply(&outside).unwrap_err();
    assert!(fault.is(&fault::ABSENT) && fault.named() == "192.0.3.0", "{fault}");
    let nobody = Change::Assign { range: range("192.0.2.1"), to: "gamma".into() };
    assert!(pool.apply(&nobody).unwrap_err().is(&fault::HOLDER));
    let again = Change::Add { range: range("192.0.1.0-192.0.2.0") };
    assert!(pool.apply(&again).unwrap_err().is(&fault::PRESENT));
    let held = Change::RemoveHolder { name: "acme".into() };
    assert_eq!(pool.apply(&held).unwrap_err().got(), "16 IPv4 and 0 IPv6 addresses");
    assert!(pool.free(false, 241).unwrap_err().is(&fault::EXHAUSTED));
    assert!(pool.free_prefix(false, 24).unwrap_err().is(&fault::EXHAUSTED));
    assert_eq!(pool.free_prefix(false, 27).unwrap(), range("192.0.2.32/27"));
}

#[test]
fn limits_hold() {
    let limits = Limits { runs: 5, holders: 2 };
    let mut pool = pool(limits);
    let third = Change::AddHolder { name: "gamma".into(), kind: Kind::Site };
    assert!(pool.apply(&third).unwrap_err().is(&fault::FULL));
    pool.apply(&Change::Release { range: range("192.0.2.20"), from: "acme".into() }).unwrap();
    let cut = Change::Release { range: range("192.0.2.24"), from: "acme".into() };
    assert!(pool.apply(&cut).unwrap_err().is(&fault::FULL));
    let rows = pool.rows().collect::<Vec<_>>();
    let holders = || ["acme", "beta"].map(|name| (name.to_string(), Kind::Customer));
    assert!(Pool::restore(Limits { runs: 3, ..limits }, holders(), rows).unwrap_err().is(&fault::FULL));
}

#[test]
fn at_the_limit_addresses_can_be_given_back_and_no_room_is_wasted() {
    let mut pool = pool(Limits { runs: 3, holders: 2 });
    let cut = |text: &str| Change::Release { range: range(text), from: "acme".into() };
    assert!(pool.check(&cut("192.0.2.20")).unwrap_err().is(&fault::FULL));
    let end = Change::Move { range: range("192.0.2.31"), from: "acme".into(), to: "beta".into() };
    assert!(pool.check(&end).unwrap_err().is(&fault::FULL));
    pool.apply(&cut("192.0.2.31")).unwrap();
    pool.apply(&cut("192.0.2.16-192.0.2.30")).unwrap();
    assert_eq!(pool.summary().runs, 1);
    pool.apply(&Change::Assign { range: range("192.0.2.1"), to: "beta".into() }).unwrap();
    assert_eq!(pool.summary().runs, 3, "up to the limit, not two before it");
    pool.apply(&Change::Remove { range: range("192.0.2.0") }).unwrap();
    assert_eq!(pool.summary().runs, 2);
}

#[test]
fn the_whole_of_ipv6_is_more_than_a_count_holds() {
    let mut pool = Pool::new(Limits::default());
    let prefix = |number: u16| Change::Add { range: range(&format!("{number:x}::/16")) };
    (0..u16::MAX).for_each(|number| pool.apply(&prefix(number)).unwrap());
    assert!(pool.apply(&prefix(u16::MAX)).unwrap_err().is(&fault::FULL));
    assert_eq!(pool.summary().ipv6_free, u128::MAX - (1 << 112) + 1);
}

#[test]
fn rows_that_do_not_fit_are_corrupt() {
    let rows = |texts: [&str; 2]| texts.map(|text| Row { range: range(text), holder: None });
    for wrong in [["192.0.2.0/24", "192.0.2.9"], ["192.0.2.9", "192.0.2.1"], ["2001:db8::/64", "2001:db8::/65"]] {
        let fault = Pool::restore(Limits::default(), [], rows(wrong)).unwrap_err();
        assert!(fault.is(&fault::ROWS), "{wrong:?}: {fault}");
    }
    let orphan = Row { range: range("192.0.2.1"), holder: Some("ghost".into()) };
    assert!(Pool::restore(Limits::default(), [], [orphan]).unwrap_err().is(&fault::HOLDER));
    let cut = Pool::restore(Limits::default(), [], rows(["192.0.2.0/25", "192.0.2.128/25"])).unwrap();
    assert_eq!(cut.rows().map(|row| row.range).collect::<Vec<_>>(), [range("192.0.2.0/24")], "a cut run is one again");
}
