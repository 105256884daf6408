// Package trees holds gradient-boosted trees on histograms (docs/science.md §3): at most 255 bins a column, growth by the best leaf,
// missing values and categories as they are, monotone constraints, L2, shrinkage, draws of rows and columns, early stopping; for classes,
// several classes, means, medians and quantiles. Explain is exact TreeSHAP.
//
// The method is that of LightGBM (Ke and others 2017), down to the treatment of categories: levels sorted by gradient over Hessian (Fisher
// 1958), with cat_smooth 10, cat_l2 10, at most 32 levels on a side and 100 rows a group; four levels or fewer one against the others.
//
// Training gives the same bits on any number of cores: each histogram is summed by one goroutine in the order of rows, and draws depend on
// the seed and the round alone.
package trees
