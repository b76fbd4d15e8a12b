use super::*;

#[test]
fn no_array_is_shorter_than_it_is() {
    for (text, elements) in [
        ("{1,2,3}", 3),
        ("  {1}", 1),
        ("{\"a,b\",c}", 2),
        ("{\"a\\\",b\",c}", 2),
        ("{a\\,b,c}", 2),
        ("{a b, c d}", 2),
        ("[0:2]={1,2,3}", 3),
        ("{{1,2},{3,4}}", 4),
        ("1 2 3", 3),
        ("1\u{b}2\u{c}3", 3),
        ("\u{b}{a,b}", 3),
    ] {
        assert_eq!(of_text(text.as_bytes()), elements, "{text}");
    }
    let array = |dimensions: &[i32]| {
        let head = [i32::try_from(dimensions.len()).unwrap(), 0, 25];
        let all = head.into_iter().chain(dimensions.iter().flat_map(|n| [*n, 1]));
        all.flat_map(i32::to_be_bytes).collect::<Vec<u8>>()
    };
    for (dimensions, elements) in [(vec![], 0), (vec![7], 7), (vec![3, 4], 12), (vec![1 << 30; 4], u64::MAX), (vec![-1], u64::MAX)] {
        assert_eq!(of_binary(&array(&dimensions)), elements, "{dimensions:?}");
    }
    for broken in [&b""[..], b"{1,2}", &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 25], &[255; 20]] {
        assert_eq!(of_binary(broken), u64::MAX, "{broken:?}");
    }
}

#[test]
fn each_parameter_has_its_format() {
    let bind = |formats: &[u16], values: &[Option<&[u8]>]| {
        let mut body = b"\0\0".to_vec();
        body.extend(u16::try_from(formats.len()).unwrap().to_be_bytes());
        formats.iter().for_each(|f| body.extend(f.to_be_bytes()));
        body.extend(u16::try_from(values.len()).unwrap().to_be_bytes());
        for value in values {
            body.extend(value.map_or(-1, |v| i32::try_from(v.len()).unwrap()).to_be_bytes());
            body.extend(value.unwrap_or_default());
        }
        body.extend([0, 0]);
        lengths(&body).unwrap()
    };
    let binary: Vec<u8> = [1, 0, 25, 5, 1].into_iter().flat_map(i32::to_be_bytes).collect();
    assert_eq!(bind(&[], &[Some(b"{1,2}"), None]), [2, 0]);
    assert_eq!(bind(&[1], &[Some(&binary), Some(&binary)]), [5, 5]);
    assert_eq!(bind(&[0, 1], &[Some(b"{1,2}"), Some(&binary)]), [2, 5]);
}
