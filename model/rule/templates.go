package rule

import "siyu/model/id"

// Templates build trees that operators often need; what they give is an ordinary tree,
// to be changed like any other.

// NeverB is "bought A and never B" (买过 A 从未买 B). days 0: ever.
func NeverB(a, b []id.ID, days int) Tree {
	return Tree{V: Version, Root: Node{All: []Node{bought(a, days), {Not: at(bought(b, 0))}}}}
}

// OnlyOne is "bought this product and nothing else of these in the last months" (某几个月
// 只买一个商品), a month counted as 30 days.
func OnlyOne(product id.ID, others []id.ID, months int) Tree {
	list := []Node{bought([]id.ID{product}, months*30)}
	for len(others) > 0 { // a condition names so many products at most
		n := min(len(others), MaxProducts)
		list = append(list, Node{Not: at(bought(others[:n], months*30))})
		others = others[n:]
	}
	return Tree{V: Version, Root: Node{All: list}}
}

func bought(products []id.ID, days int) Node {
	return Node{Did: &Did{What: Bought, ProductIDs: products, Op: Gte, Values: []int64{1}, WithinDays: days}}
}

func at(n Node) *Node { return &n }
