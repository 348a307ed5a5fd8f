//! Conversion and equivalence, with figures of laboratories and of the specification.

use super::*;

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn every_unit_code_can_be_worked_out() {
    for (code, _) in atoms() {
        assert!(is_valid(code), "{code}");
        let unit = Canonical::of(code).unwrap_or_else(|| panic!("{code}"));
        assert!(unit.is_comparable(&unit.base()), "{code}");
    }
    assert_eq!(name("m"), Some("meter"));
    assert_eq!(name("mmol"), None);
}

#[test]
fn values_are_converted() {
    for (value, from, to, expected) in [
        ("5.6", "mmol/L", "umol/L", "5600"),
        ("88.4", "umol/L", "mmol/L", "0.0884"),
        ("1", "mg/dL", "g/L", "0.01"),
        ("140", "g/L", "g/dL", "14"),
        ("7.5", "10*9/L", "10*3/uL", "7.5"),
        ("7.5", "10^9/L", "/nL", "7.5"),
        ("4.5", "10*12/L", "10*6/uL", "4.5"),
        ("250", "[IU]/L", "m[IU]/mL", "250"),
        ("1", "U/L", "nkat/L", "16.666666666666666666666666667"),
        ("37", "Cel", "[degF]", "98.6"),
        ("98.6", "[degF]", "Cel", "37"),
        ("-40", "Cel", "[degF]", "-40"),
        ("0", "Cel", "K", "273.15"),
        ("100", "Cel", "[degRe]", "80"),
        ("310.15", "K", "Cel", "37"),
        ("1", "mCel", "K", "273.151"),
        ("120", "mm[Hg]", "kPa", "15.99864"),
        ("1", "m[H2O]", "kPa", "9.80665"),
        ("1", "[in_i]", "cm", "2.54"),
        ("1", "[ft_i]", "[in_i]", "12"),
        ("150", "[lb_av]", "kg", "68.0388555"),
        ("1", "d", "h", "24"),
        ("2", "wk", "d", "14"),
        ("1", "a", "mo", "12"),
        ("1", "kg.m/s2", "N", "1"),
        ("1", "J", "kW.h", "0.0000002777777777777777777778"),
        ("180", "deg", "rad", "3.1415926535897932384626433833"),
        ("1", "circ", "deg", "360"),
        ("50", "%", "1", "0.5"),
        ("1", "[ppm]", "%", "0.0001"),
        ("7", "[pH]", "mol/L", "0.0000001"),
        ("0.0000001", "mol/L", "[pH]", "7"),
        ("7.4", "[pH]", "nmol/L", "39.8107170553497"),
        ("3", "dB", "1", "1.99526231496888"),
        ("20", "B[V]", "V", "10000000000"),
        ("1", "Np", "1", "2.71828182845905"),
        ("2", "KiBy", "bit", "16384"),
        ("90", "mL/min/{1.73_m2}", "mL/min", "90"),
        ("3", "/[HPF]", "1", "3"),
        ("12", "ng/mL{FEU}", "ug/L", "12"),
        ("100", "[degF]", "[degF]", "100"),
        ("1", "mol", "1", "602214076000000000000000"),
    ] {
        assert_eq!(convert(d(value), from, to), Some(d(expected)), "{value} {from} {to}");
    }
}

#[test]
fn what_is_not_of_one_dimension_is_not_converted() {
    for (from, to) in [
        ("mg/L", "mmol/L"),
        ("[IU]/L", "U/L"),
        ("[IU]/L", "[arb'U]/L"),
        ("g", "L"),
        ("Cel", "m"),
        ("Cel/m", "K/m"),
        ("mmHg", "kPa"),
        ("", "1"),
        ("m99", "m"),
        ("1", "rad"),
    ] {
        assert!(!is_comparable(from, to), "{from} {to}");
        assert_eq!(convert(Decimal::ONE, from, to), None, "{from} {to}");
    }
    // out of range is no answer, and never a wrong one
    assert_eq!(convert(Decimal::MAX, "km", "fm"), None);
}

#[test]
fn equivalent_units_are_told_from_comparable_ones() {
    for (a, b, expected) in [
        ("umol/L", "nmol/mL", true),
        ("10*9/L", "10*3/uL", true),
        ("10*9/L", "10^9/L", true),
        ("L", "dm3", true),
        ("l", "L", true),
        ("mm[Hg]", "m[Hg]", false),
        ("mg/dL", "g/L", false),
        ("{cells}/uL", "/uL", true),
        ("m[IU]/mL", "[iU]/L", true),
        ("Cel", "K", false),
        ("Cel{body}", "Cel", true),
        ("kg/m2", "kg.m-2", true),
        ("g.m-3", "mg/L", true),
        ("/(s.m)", "s-1.m-1", true),
        ("Cel/m", "Cel/m", true),
        ("foo", "foo", false),
    ] {
        assert_eq!(equivalent(a, b), expected, "{a} {b}");
        assert_eq!(equivalent(b, a), expected, "{b} {a}");
    }
}

#[test]
fn base_units_are_written_in_one_way() {
    for (value, unit, base, text) in [
        ("1", "mm[Hg]", "133322", "g.m-1.s-2"),
        ("5", "m[IU]/L", "5", "m-3.[iU]"),
        ("37", "Cel", "310.15", "K"),
        ("1", "{score}", "1", "1"),
    ] {
        let (got, of) = to_base(d(value), unit).unwrap();
        let mut parts: Vec<&str> = of.split('.').collect();
        parts.sort_unstable();
        let mut expected: Vec<&str> = text.split('.').collect();
        expected.sort_unstable();
        assert_eq!((got, parts), (d(base), expected), "{unit} {of}");
    }
}

/// Texts put together of the grammar's own pieces: nothing may stop, and what is valid in one place is so everywhere.
#[test]
fn any_text_ends_in_an_answer() {
    const PIECES: [&str; 24] = [
        "m",
        "g",
        "10*",
        "10^",
        "[IU]",
        "/",
        ".",
        "(",
        ")",
        "{",
        "}",
        "a",
        "-",
        "+",
        "9",
        "99999999999",
        "Cel",
        "[pH]",
        "mol",
        "%",
        "中",
        "Ki",
        "[",
        "[pi]",
    ];
    let mut seed = 20_260_101u64;
    let mut valid = 0;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..1 + seed % 7 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(PIECES[(seed >> 33) as usize % PIECES.len()]);
        }
        let ok = is_valid(&text);
        valid += usize::from(ok);
        let read = Canonical::of(&text);
        assert!(ok || read.is_none(), "{text}");
        if let Some(unit) = read {
            let base = unit.base();
            assert!(is_valid(&base.to_string()), "{text} {base}");
            assert_eq!(Canonical::of(&base.to_string()), Some(base), "{text}");
            assert!(equivalent(&text, &text) && is_comparable(&text, &text), "{text}");
        }
        let _ = convert(Decimal::MAX, &text, "m");
        let _ = code_of(&text);
    }
    assert!(valid > 500, "{valid}");
}
