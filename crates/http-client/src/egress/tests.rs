#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn only_public_addresses_are_asked() {
    let public = Egress::public();
    for (text, fine) in [
        ("1.1.1.1", true),
        ("93.184.216.34", true),
        ("100.63.255.255", true),
        ("100.128.0.0", true),
        ("172.15.255.255", true),
        ("172.32.0.0", true),
        ("223.255.255.255", true),
        ("2606:4700:4700::1111", true),
        ("2a00:1450:4001:830::200e", true),
        ("64:ff9b::101:101", true),
        ("::ffff:1.1.1.1", true),
        ("0.0.0.0", false),
        ("0.1.2.3", false),
        ("10.0.0.1", false),
        ("100.64.0.1", false),
        ("100.127.255.255", false),
        ("127.0.0.1", false),
        ("127.255.255.254", false),
        ("169.254.169.254", false),
        ("172.16.0.1", false),
        ("172.31.255.255", false),
        ("192.0.0.8", false),
        ("192.168.1.1", false),
        ("198.18.0.1", false),
        ("224.0.0.1", false),
        ("239.255.255.255", false),
        ("240.0.0.1", false),
        ("255.255.255.255", false),
        ("::", false),
        ("::1", false),
        ("::7f00:1", false),
        ("::ffff:127.0.0.1", false),
        ("::ffff:10.1.2.3", false),
        ("::ffff:169.254.169.254", false),
        ("64:ff9b::a9fe:a9fe", false),
        ("64:ff9b:1::1", false),
        ("100::1", false),
        ("2001::1", false),
        ("2001:db8::1", false),
        ("2002:7f00:1::", false),
        ("3fff::1", false),
        ("fc00::1", false),
        ("fd12:3456::1", false),
        ("fe80::1", false),
        ("fec0::1", false),
        ("ff02::1", false),
    ] {
        assert_eq!(public.permits(ip(text)), fine, "{text}");
    }
}

#[test]
fn an_operator_allows_networks_and_nothing_beside_them() {
    let some = Egress::allowing(" 10.1.0.0/16, 127.0.0.1\tfd00::/8,").unwrap();
    for (text, fine) in [
        ("10.1.255.255", true),
        ("::ffff:10.1.0.1", true),
        ("10.2.0.0", false),
        ("127.0.0.1", true),
        ("127.0.0.2", false),
        ("fd12::1", true),
        ("fc00::1", false),
        ("::1", false),
        ("9.9.9.9", true),
    ] {
        assert_eq!(some.permits(ip(text)), fine, "{text}");
    }
    assert_eq!(some.to_string(), "public addresses, 10.1.0.0/16, 127.0.0.1/32, fd00::/8");
    assert!(!Egress::allowing("").unwrap().permits(ip("10.0.0.1")));
    let whole = Egress::allowing("0.0.0.0/0 ::/0").unwrap();
    assert!(whole.permits(ip("127.0.0.1")) && whole.permits(ip("::1")) && whole.permits(ip("ff02::1")));
    for wrong in
        ["10.0.0.0/33", "::/129", "localhost", "10.0.0", "10.0.0.0/", "/8", "10.0.0.0/-1", "::ffff:10.0.0.0/104"]
    {
        assert_eq!(Egress::allowing(wrong).unwrap_err(), NetworksTextError::Network(wrong.to_owned()));
    }
    assert_eq!(Egress::allowing(&"10.0.0.0/8,".repeat(65)).unwrap_err(), NetworksTextError::TooMany);
}

#[test]
fn addresses_in_urls_are_judged_however_they_are_written() {
    let public = Egress::public();
    for (url, fine) in [
        ("https://a.example/hook", true),
        ("http://1.1.1.1/", true),
        ("http://127.0.0.1/", false),
        ("http://127.1/", false),
        ("http://2130706433/", false),
        ("http://0x7f.0.0.1/", false),
        ("http://0177.0.0.1/", false),
        ("http://[::1]:80/", false),
        ("http://[::ffff:7f00:1]/", false),
        ("http://[fe80::1]/", false),
        ("http://\u{ff11}27.0.0.1/", false),
    ] {
        assert_eq!(public.check_url(url).is_ok(), fine, "{url}");
        let uri: Uri = Url::parse(url).unwrap().as_str().parse().unwrap();
        assert_eq!(public.check_uri(&uri).is_ok(), fine, "{uri}");
    }
}

#[test]
fn of_what_a_name_resolves_to_only_what_was_judged_is_connected_to() {
    let at = |text: &str| SocketAddr::new(ip(text), 443);
    let public = Egress::public();
    let both = vec![at("127.0.0.1"), at("1.1.1.1")];
    assert_eq!(judged(Some(&public), both.clone()), Ok(vec![at("1.1.1.1")]));
    assert_eq!(judged(None, both.clone()), Ok(both));
    assert_eq!(judged(Some(&public), vec![at("::ffff:10.0.0.1")]), Err(NotPublic(ip("10.0.0.1"))));
    assert_eq!(judged(Some(&public), Vec::new()), Ok(Vec::new()));
}

proptest! {
    #[test]
    fn an_ipv4_address_is_judged_alike_in_all_its_forms(bits in any::<u32>()) {
        let (public, v4) = (Egress::public(), Ipv4Addr::from_bits(bits));
        let expected = public.permits(v4.into());
        prop_assert_eq!(public.permits(v4.to_ipv6_mapped().into()), expected);
        let [a, b, c, d] = v4.octets().map(u16::from);
        let translated = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a << 8 | b, c << 8 | d);
        prop_assert_eq!(public.permits(translated.into()), expected);
        // What the standard library knows of them agrees.
        let special = v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_multicast()
            || v4.is_unspecified() || v4.is_broadcast() || v4.is_documentation();
        prop_assert!(!(special && expected), "{}", v4);
    }

    #[test]
    fn what_no_machine_of_the_public_has_is_refused(bits in any::<u128>()) {
        let v6 = Ipv6Addr::from_bits(bits);
        let special = v6.is_loopback() || v6.is_multicast() || v6.is_unspecified() || v6.is_unique_local()
            || v6.is_unicast_link_local();
        prop_assert!(!(special && Egress::public().permits(v6.into())), "{}", v6);
    }

    #[test]
    fn a_network_holds_what_begins_with_its_bits(base in any::<u32>(), other in any::<u32>(), bits in 0_u8..=32) {
        let (network, address) = (Ipv4Addr::from_bits(base), Ipv4Addr::from_bits(other));
        let same = bits == 0 || (base ^ other) >> (32 - u32::from(bits)) == 0;
        let egress = Egress::allowing(&format!("{network}/{bits}")).unwrap();
        prop_assert_eq!(egress.permits(address.into()), same || Egress::public().permits(address.into()));
    }

    #[test]
    fn no_list_makes_the_parser_panic(text in ".{0,60}|[0-9a-f.:/, ]{0,60}") {
        let _ = Egress::allowing(&text);
    }
}
