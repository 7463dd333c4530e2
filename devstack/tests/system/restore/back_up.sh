umask 077
pg_dump -Fc -d "$SHOP_DB" -f shop.dump
pg_dump -Fc -d "$AUTH_DB" -f auth.dump
