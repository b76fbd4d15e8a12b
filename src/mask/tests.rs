//! Tables of masks and values; the wire is PostgreSQL's own.

use super::*;
use crate::catalog::Oid;

fn spec(spec: MaskSpec) -> Mask {
    spec.compile("test", &Keyring::default()).unwrap()
}

fn text_type() -> PgType {
    PgType::builtin(Oid(25), -1)
}

fn varchar(n: i32) -> PgType {
    PgType::builtin(Oid(1043), n + 4)
}

fn bpchar(n: i32) -> PgType {
    PgType::builtin(Oid(1042), n + 4)
}

fn apply(mask: &Mask, ty: PgType, value: &str) -> String {
    let mut out = b"before".to_vec();
    let done = mask.apply(&ty, Format::Text, &Rendering::default(), value.as_bytes(), &mut out).unwrap();
    assert_eq!(done, Masked::Value);
    String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned()
}

#[test]
fn text_masks() {
    let partial = |first, last, with| MaskSpec::Partial { first, last, with };
    for (mask, value, want) in [
        (MaskSpec::Email, "alice@example.com", "a***@example.com"),
        (MaskSpec::Email, "@example.com", "***@example.com"),
        (MaskSpec::Email, "a@b@c", "a***@c"),
        (MaskSpec::Email, "nobody", "***"),
        (MaskSpec::Email, "", "***"),
        (MaskSpec::Email, "张三@例.中国", "张***@例.中国"),
        (MaskSpec::Email, "a@", "a***@"),
        (MaskSpec::Name, "张三丰", "张**"),
        (MaskSpec::Name, "Alice", "A****"),
        (MaskSpec::Name, "A", "*"),
        (MaskSpec::Name, "", ""),
        (partial(0, 4, '*'), "13812345678", "*******5678"),
        (partial(3, 4, '*'), "110101199003071234", "110***********1234"),
        (partial(3, 4, '*'), "1234567", "*******"),
        (partial(1, 1, '●'), "张三丰啊", "张●●啊"),
        (partial(0, 0, '*'), "", ""),
        (partial(usize::MAX, usize::MAX, '*'), "ab", "**"),
    ] {
        assert_eq!(apply(&spec(mask.clone()), text_type(), value), want, "{mask:?} {value}");
    }
}

#[test]
fn text_fits_the_declared_length() {
    assert_eq!(apply(&spec(MaskSpec::Email), varchar(5), "a@b.c"), "a***@");
    assert_eq!(apply(&spec(MaskSpec::Redact), varchar(2), "abc"), "**");
    assert_eq!(apply(&spec(MaskSpec::Name), bpchar(6), "张三    "), "张*    ");
    assert_eq!(apply(&spec(MaskSpec::Redact), bpchar(5), "x    "), "***  ");
    let name = PgType::builtin(Oid(19), -1);
    let long = "é".repeat(31);
    let with = spec(MaskSpec::Partial { first: 0, last: 0, with: '张' });
    assert_eq!(apply(&with, name, &long), "张".repeat(21));
    assert_eq!(apply(&spec(MaskSpec::Email), name, &format!("{}@{}", "x".repeat(2), "é".repeat(30))), format!("x***@{}", "é".repeat(29)));
}

#[test]
fn arrays_in_text() {
    let ty = PgType::array(Oid(1009), Oid(25), -1);
    let mask = spec(MaskSpec::Email);
    for (value, want) in [
        ("{}", "{}"),
        ("{a@b.c,NULL,\"\"}", "{a***@b.c,NULL,***}"),
        ("{{a@b,\"x y@\\\"q\\\"\"},{NULL,\"NULL\"}}", "{{a***@b,\"x***@\\\"q\\\"\"},{NULL,***}}"),
        ("[0:1]={a@b,c@d}", "[0:1]={a***@b,c***@d}"),
        ("{\"a@{\"}", "{\"a***@{\"}"),
    ] {
        assert_eq!(apply(&mask, ty, value), want, "{value}");
    }
    for bad in ["", "{", "{a", "{a}}", "{a,}", "{,a}", "a", "{\"a}", "{a\"b}", "{{{{{{{a}}}}}}}", "[0:1]{a}", "{a} "] {
        let mut out = b"before".to_vec();
        assert_eq!(mask.apply(&ty, Format::Text, &Rendering::default(), bad.as_bytes(), &mut out), Err(CannotMask::InvalidValue), "{bad}");
        assert_eq!(out, b"before");
    }
    assert_eq!(apply(&spec(MaskSpec::Name), ty, "{\"\"}"), "{\"\"}");
    assert_eq!(apply(&spec(MaskSpec::Redact), ty, "{a,b}"), "{}");
}
