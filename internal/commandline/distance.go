package commandline

import "fmt"

// DidYouMean suggests the nearest of names for a word, with dashes before it,
// and nothing when none is near: two letters may be wrong, and no more than
// half of the word.
func DidYouMean(dashes, word string, names []string) string {
	least, nearest := min(2, len(word)/2)+1, ""
	for _, name := range names {
		if wrong := Distance(word, name); wrong < least {
			least, nearest = wrong, name
		}
	}
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s%s?)", dashes, nearest)
}

// Distance is how many characters have to be added, removed or replaced to get
// from a to b (Levenshtein).
func Distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j, other := range to {
			cost := diagonal
			if r != other {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(to)]
}
