//! Base64, in which `tokenizer.json` stores bytes.

/// The bytes that a text encodes; `None` if it is not base64.
pub fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    let value = |digit: &u8| {
        Some(match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        })
    };
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for group in digits.chunks(4) {
        let mut bits = 0_u32;
        for digit in group {
            bits = bits << 6 | u32::from(value(digit)?);
        }
        let [_, whole @ ..] = (bits << (6 * (4 - group.len()))).to_be_bytes();
        bytes.extend_from_slice(&whole[..group.len() - 1]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn bytes_come_back() {
        let texts = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg", "+/+/"];
        let bytes: [&[u8]; 6] = [b"", b"f", b"fo", b"foo", b"foob", &[0xfb, 0xff, 0xbf]];
        assert_eq!(texts.map(|text| base64(text).unwrap()), bytes);
        assert_eq!([base64("Zg%="), base64("é")], [None, None]);
    }
}
