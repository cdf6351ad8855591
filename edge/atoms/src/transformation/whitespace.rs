//! `removeWhitespace`, `compressWhitespace`: blanks of any kind go, or a run of them becomes one blank.

use super::{Transformation, byte};

/// `t:removeWhitespace`. The two bytes of a no-break space in UTF-8 go too, wherever they stand.
pub struct RemoveWhitespace;

impl Transformation for RemoveWhitespace {
    fn name(&self) -> &'static str {
        "removewhitespace"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        byte::without(input, out, |byte| byte::is_space(byte) || matches!(byte, 0xc2 | 0xa0))
    }
}

/// `t:compressWhitespace`.
pub struct CompressWhitespace;

impl Transformation for CompressWhitespace {
    fn name(&self) -> &'static str {
        "compresswhitespace"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(first) = input.iter().position(|byte| byte::is_space(*byte)) else { return false };
        out.extend_from_slice(&input[..first]);
        let mut blank = false;
        for &byte in &input[first..] {
            let was = std::mem::replace(&mut blank, byte::is_space(byte));
            if !blank {
                out.push(byte);
            } else if !was {
                out.push(b' ');
            }
        }
        out.as_slice() != input
    }
}
