//! How evenly the values of bytes are spread: compressed and encrypted content comes near 8 bits a byte.

/// Shannon entropy, bits a byte, 0.0 for nothing.
pub fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [[0u32; 256]; 4];
    let mut chunks = bytes.chunks_exact(4);
    // Four tables: neighbouring equal bytes do not wait for each other's count.
    for chunk in &mut chunks {
        for (table, byte) in counts.iter_mut().zip(chunk) {
            table[usize::from(*byte)] += 1;
        }
    }
    for byte in chunks.remainder() {
        counts[0][usize::from(*byte)] += 1;
    }
    let total = bytes.len() as f64;
    let mut bits = 0.0;
    for value in 0..256 {
        let count: u32 = counts.iter().map(|table| table[value]).sum();
        if count > 0 {
            let part = f64::from(count) / total;
            bits -= part * part.log2();
        }
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::entropy;

    #[test]
    fn the_ends_of_the_scale() {
        assert_eq!(entropy(b""), 0.0);
        assert_eq!(entropy(&[7; 1001]), 0.0);
        let every: Vec<u8> = (0..=255).cycle().take(4096).collect();
        assert!((entropy(&every) - 8.0).abs() < 1e-9);
        let halves: Vec<u8> = [0, 1].repeat(500);
        assert!((entropy(&halves) - 1.0).abs() < 1e-9);
    }
}
