pg_restore --no-owner --no-privileges --single-transaction -d "$SHOP_DB" shop.dump
pg_restore --no-owner --no-privileges --single-transaction -d "$AUTH_DB" auth.dump
auth-service migrate
shop-service migrate
