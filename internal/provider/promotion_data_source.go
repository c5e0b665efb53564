package provider

func promotionLookup(d *definition[promotionModel, promotionSpec, promotionStatus]) lookup[promotionModel, promotionSpec, promotionStatus] {
	return lookup[promotionModel, promotionSpec, promotionStatus]{definition: d}
}
