package token

import "siyu/model/fault"

// GTIN14 checks a GTIN-8, -12, -13 or -14 (商品条码) and returns it padded to the 14
// digits of the GS1 Digital Link. The check digit is the GS1 standard one (General
// Specifications, section 7.9: weights 3 and 1 from the right).
// Faults: Invalid gtin_length, gtin_digits, gtin_check.
func GTIN14(s string) (string, error) {
	if !gtinLength(len(s)) {
		return "", fault.NewInvalid("gtin_length", "商品条码应为 8、12、13 或 14 位数字")
	}
	sum, zero := 0, true
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' {
			return "", fault.NewInvalid("gtin_digits", "商品条码只能包含数字")
		}
		weight := 1
		if (len(s)-1-i)%2 == 1 {
			weight = 3
		}
		sum += weight * int(c-'0')
		zero = zero && c == '0'
	}
	// All zeros pass the sum but name no product.
	if sum%10 != 0 || zero {
		return "", fault.NewInvalid("gtin_check", "商品条码的校验位不正确")
	}
	return "00000000000000"[len(s):] + s, nil
}

func gtinLength(n int) bool { return n == 8 || n == 12 || n == 13 || n == 14 }
