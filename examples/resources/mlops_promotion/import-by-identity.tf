import {
  to = mlops_promotion.prod
  identity = {
    id = "local/churn-prod/models/churn/versions/1"
  }
}
