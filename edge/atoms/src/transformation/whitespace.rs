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

/// Bytes looked at in one go.
const CHUNK: usize = 64;

/// Whether there is white space other than a lone blank; without a branch a byte.
fn crowded(bytes: &[u8]) -> bool {
    let other = bytes.iter().fold(false, |other, byte| other | matches!(byte, 9..=13));
    let pairs = bytes.iter().zip(bytes.get(1..).unwrap_or_default());
    other | pairs.fold(false, |two, (one, next)| two | (*one == b' ') & (*next == b' '))
}

/// `t:compressWhitespace`.
pub struct CompressWhitespace;

impl Transformation for CompressWhitespace {
    fn name(&self) -> &'static str {
        "compresswhitespace"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let chunks = (0..input.len()).step_by(CHUNK);
        if !chunks.map(|at| &input[at..input.len().min(at + CHUNK + 1)]).any(crowded) {
            return false;
        }
        let first = input.iter().position(|byte| byte::is_space(*byte)).unwrap_or(input.len());
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
