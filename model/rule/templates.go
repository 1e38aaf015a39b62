package rule

import "siyu/model/id"

// Templates build trees that operators often need; what they give is an ordinary tree,
// to be changed like any other.

// NeverB is "bought A and never B" (买过 A 从未买 B). days 0: ever.
func NeverB(a, b []id.ID, days int) Tree {
	return Tree{V: Version, Root: Node{All: []Node{bought(a, days), {Not: at(bought(b, 0))}}}}
}

// OnlyOne is "bought this product and no other of the brand in the last days" (一段时间只买
// 一个商品). days 0: ever.
func OnlyOne(product id.ID, days int) Tree {
	one := []id.ID{product}
	others := Node{Did: &Did{What: Bought, ExceptIDs: one, Op: Gte, Values: []int64{1}, WithinDays: days}}
	return Tree{V: Version, Root: Node{All: []Node{bought(one, days), {Not: &others}}}}
}

func bought(products []id.ID, days int) Node {
	return Node{Did: &Did{What: Bought, ProductIDs: products, Op: Gte, Values: []int64{1}, WithinDays: days}}
}

func at(n Node) *Node { return &n }
