terraform import mlops_promotion.prod local/churn-prod/models/churn/versions/1
